// The engine's way in: octets to heads, bodies and exchanges.

import HTTP

extension HTTP1Engine {
    // MARK: Octets

    /// Whether the next head may be read now: limits, order and backpressure allow it.
    var mayReadHead: Bool {
        guard case .head = inbound, !isBlocked, !awaitsAcceptance else { return false }
        guard let last = exchanges.last else { return true }
        return last.isParallel && exchanges.count < pipelinedRequestsMax && !isShuttingDown
    }

    /// Uses up octets from the first on for as long as that is possible now; returns how many.
    mutating func process(_ octets: Span<UInt8>, in context: inout EngineContext) -> Int {
        var position = 0
        while position < octets.count {
            let rest = octets.extracting(position...)
            switch inbound {
            case .head:
                guard mayReadHead, let used = readHead(rest, in: &context) else { return position }
                position += used
            case .length(let remaining):
                let count = Int(min(remaining, Int64(rest.count)))
                inbound = .length(remaining - Int64(count))
                takeBody(rest.extracting(..<count), in: &context)
                if remaining == Int64(count) { endRequestBody() }
                position += count
            case .chunked(let decoder):
                position += readChunked(rest, with: decoder, in: &context)
            case .nothing:
                hasUnreadInput = true
                return octets.count
            }
        }
        return position
    }

    /// Goes on with octets that were kept.
    mutating func processPending(in context: inout EngineContext) {
        let octets = pending
        pending = []
        let used = process(octets.span, in: &context)
        if used == 0 {
            pending = octets
        } else if used < octets.count {
            pending = Array(octets[used...])
        }
        // What would end this body came before its head was read.
        if inputEnded, isInBody, pending.isEmpty { failRequestBody(.endedEarly, in: &context) }
    }

    mutating func keep(_ octets: Span<UInt8>) {
        octets.withUnsafeBufferPointer { pending.append(contentsOf: $0) }
    }

    // MARK: Heads

    /// Reads one head, and its body if that is there whole; returns the octets used, or nil if the head is incomplete.
    private mutating func readHead(_ octets: Span<UInt8>, in context: inout EngineContext) -> Int? {
        if let partial = partialHead.take() { context.head = partial }
        do {
            if let count = try parser.parse(octets, limits: context.limits, into: &context.head) {
                headSince = nil
                return accept(octets, headCount: count, in: &context)
            }
        } catch {
            if error == .unsupportedVersion, mayBecomeHTTP2, HTTP1Engine.beginsHTTP2(octets) {
                ending = .closed
                headSince = nil
                context.actions.append(.speakHTTP2)
                return nil
            }
            refuse(error, in: &context)
            return octets.count
        }
        guard !inputEnded else {
            if !parser.isIdle { refuse(.endedEarly, in: &context) }
            return octets.count
        }
        if !parser.isIdle {
            partialHead = context.head
            context.head = RequestHead()
            if headSince == nil { headSince = context.now }
        }
        return nil
    }

    /// Whether `octets` begin with the preface of HTTP/2, as far as a request line goes (RFC 9113 section 3.4).
    private static func beginsHTTP2(_ octets: Span<UInt8>) -> Bool {
        let line: StaticString = "PRI * HTTP/2.0\r"
        return octets.count >= line.utf8CodeUnitCount
            && octets.extracting(..<line.utf8CodeUnitCount).spells(line)
    }

    /// A whole head is there: answers it at once or starts an exchange; returns the octets used.
    private mutating func accept(
        _ octets: Span<UInt8>,
        headCount: Int,
        in context: inout EngineContext
    ) -> Int {
        mayBecomeHTTP2 = false
        guard !parser.semantics.isConnect else {
            refuse(.connectRefused, in: &context)
            return headCount
        }
        if !parser.semantics.keepsAlive { takesMore = false }
        if exchanges.isEmpty, parser.semantics.framing == .none, answerAtOnce(octets, in: &context) {
            return headCount
        }
        return headCount + startExchange(octets, headCount: headCount, in: &context)
    }

    /// Makes an exchange of the head in the context; returns how many octets of the body were used.
    private mutating func startExchange(
        _ octets: Span<UInt8>,
        headCount: Int,
        in context: inout EngineContext
    ) -> Int {
        let semantics = parser.semantics
        let head = context.head
        var request = Request(
            method: HTTP1Engine.method(of: head, in: octets),
            scheme: context.configuration.scheme,
            authority: String(decoding: octets.extracting(head.authority).array, as: UTF8.self),
            target: octets.extracting(head.target).array,
            fields: Fields(head: head, in: octets)
        )
        var exchange = makeExchange(in: &context)
        exchange.isHead = head.method == .head
        exchange.takesChunks = head.minorVersion == 1
        exchange.keepsAlive = semantics.keepsAlive
        exchange.awaitsContinue = semantics.expectsContinue
        exchange.isParallel = request.method.isSafe && semantics.framing == .none
        if var record = exchange.record.take() {
            context.journal.note(head, in: octets, in: &record)
            exchange.record = record
        }
        var used = 0
        switch semantics.framing {
        case .none: break
        case .length(let length) where length <= Int64(min(octets.count - headCount, HTTP1Engine.wholeBodyBytesMax)):
            used = Int(length)
            request.body = Body(octets.extracting(headCount..<headCount + used).array)
            exchange.awaitsContinue = false
        case .length(let length):
            exchange.body = expectBody(.length(length), bufferBytes: context.configuration.requestBodyBufferBytes)
        case .chunked:
            exchange.body = expectBody(
                .chunked(ChunkedDecoder()),
                bufferBytes: context.configuration.requestBodyBufferBytes
            )
        }
        if let body = exchange.body {
            if case .length(let length) = semantics.framing {
                request.body = Body(length: length, content: .stream(body))
            } else {
                request.body = Body(length: nil, content: .stream(body))
            }
            bodySince = context.now
            bodyBytesSince = 0
        } else if !takesMore {
            inbound = .nothing
        }
        let started = StartedRequest(
            number: exchange.number,
            request: request,
            body: exchange.body,
            takesInterim: exchange.takesChunks
        )
        exchange.phase = .held(started)
        exchanges.append(exchange)
        if exchanges.count == 1 || exchange.isParallel {
            start(started, at: exchanges.count - 1, in: &context)
        }
        return used
    }

    private mutating func expectBody(_ inbound: Inbound, bufferBytes: Int) -> RequestBody {
        self.inbound = inbound
        drainBytesLeft = nil
        return RequestBody(bufferBytes: bufferBytes)
    }

    private static func method(of head: RequestHead, in octets: Span<UInt8>) -> Method {
        switch head.method {
        case .get: .get
        case .head: .head
        case .other: Method(String(decoding: octets.extracting(head.methodRange).array, as: UTF8.self))
        }
    }

    /// A new exchange with the next number, and a record if somebody wants one.
    mutating func makeExchange(in context: inout EngineContext) -> Exchange {
        makeExchange(
            context.journal.isOn ? ExchangeRecord(startedAtNanoseconds: context.monotonicNanoseconds()) : nil
        )
    }

    mutating func makeExchange(_ record: ExchangeRecord?) -> Exchange {
        var exchange = Exchange(number: nextNumber)
        nextNumber += 1
        exchange.record = record
        return exchange
    }

    /// Hands a held request to the transport.
    mutating func start(_ request: StartedRequest, at index: Int, in context: inout EngineContext) {
        exchanges[index].phase = .waiting
        exchanges[index].isRunning = true
        outputSince = context.now
        context.actions.append(.start(request))
    }

    /// Answers what cannot be read with the rule it breaks, after what came before it; takes no more requests.
    mutating func refuse(_ refusal: RequestRefusal, in context: inout EngineContext) {
        takesMore = false
        inbound = .nothing
        hasUnreadInput = true
        partialHead = nil
        headSince = nil
        pending = []
        var exchange = makeExchange(in: &context)
        exchange.keepsAlive = false
        exchange.isParallel = false
        exchange.phase = .ready(refusal.response(with: context.configuration.ownResponseFields))
        exchanges.append(exchange)
    }

    // MARK: Bodies

    /// Reads one step of a chunked body; returns the octets used.
    private mutating func readChunked(
        _ octets: Span<UInt8>,
        with decoder: ChunkedDecoder,
        in context: inout EngineContext
    ) -> Int {
        var decoder = decoder
        do throws(ChunkedFault) {
            let step = try decoder.next(octets, from: 0)
            inbound = .chunked(decoder)
            switch step {
            case .needsMore:
                noteBodyProgress(octets.count, in: &context)
                return octets.count
            case .data(let range):
                takeBody(octets.extracting(range), in: &context)
                return range.upperBound
            case .end(let end):
                endRequestBody()
                return end
            }
        } catch {
            failRequestBody(RequestRefusal(error), in: &context)
            return octets.count
        }
    }

    private mutating func noteBodyProgress(_ count: Int, in context: inout EngineContext) {
        bodyBytesSince += count
        guard bodyBytesSince >= context.configuration.bodyProgressBytesMin else { return }
        bodyBytesSince = 0
        bodySince = context.now
    }

    /// Hands octets of the body to who reads it, or drains them.
    private mutating func takeBody(_ octets: Span<UInt8>, in context: inout EngineContext) {
        noteBodyProgress(octets.count, in: &context)
        guard let left = drainBytesLeft else {
            guard !exchanges.isEmpty else { return }
            exchanges[exchanges.count - 1].awaitsContinue = false
            exchanges[exchanges.count - 1].body?.push(octets.array[...])
            return
        }
        drainBytesLeft = left - octets.count
        if left < octets.count { stopReadingBody() }
    }

    /// Too much of an unread body: the connection ends with the response.
    mutating func stopReadingBody() {
        takesMore = false
        hasUnreadInput = true
        inbound = .nothing
        drainBytesLeft = nil
        if !exchanges.isEmpty { exchanges[exchanges.count - 1].keepsAlive = false }
    }

    private mutating func endRequestBody() {
        guard isInBody else { return }
        if drainBytesLeft == nil { exchanges.last?.body?.finish() }
        drainBytesLeft = nil
        inbound = takesMore ? .head : .nothing
    }

    /// The body cannot be read to its end: who reads it is told, and the client too if no response has begun.
    mutating func failRequestBody(_ refusal: RequestRefusal, in context: inout EngineContext) {
        let isDraining = drainBytesLeft != nil
        stopReadingBody()
        guard let last = exchanges.indices.last, let body = exchanges[last].body else { return }
        body.fail(.truncated)
        switch exchanges[last].phase {
        case .held, .waiting:
            guard !isDraining else { return }
            if exchanges[last].isRunning { context.actions.append(.cancel(exchanges[last].number)) }
            exchanges[last].isRunning = false
            exchanges[last].phase = .ready(refusal.response(with: context.configuration.ownResponseFields))
        case .ready, .streaming, .flushing: break
        }
    }

    /// The responder waits for octets of the body, or has made room for some.
    package mutating func requestBodyWanted(_ number: RequestNumber, in context: inout EngineContext) {
        guard let index = index(of: number), ending == .open else { return }
        bodySince = context.now
        bodyBytesSince = 0
        guard exchanges[index].awaitsContinue, case .waiting = exchanges[index].phase, isInBody else { return }
        exchanges[index].awaitsContinue = false
        addInterim(InterimResponse(status: 100), to: index, in: &context)
    }

    /// The responder wants no more of the body.
    package mutating func requestBodyAbandoned(_ number: RequestNumber, in context: inout EngineContext) {
        guard let index = index(of: number), ending == .open, isInBody, drainBytesLeft == nil else { return }
        // A client that waits for 100 sends nothing to drain; its connection ends with the response.
        guard !exchanges[index].awaitsContinue else { return }
        drain(in: &context)
    }

    /// Starts to take in an unread body, if it is not known to be too long for that.
    mutating func drain(in context: inout EngineContext) {
        let most = context.configuration.drainBytesMax
        if case .length(let remaining) = inbound, remaining > Int64(most) {
            stopReadingBody()
        } else {
            drainBytesLeft = most
        }
    }

    /// Where the exchange of that number stands in the queue, if it is still there.
    func index(of number: RequestNumber) -> Int? {
        exchanges.firstIndex { $0.number == number }
    }

    /// Octets up to which a body that has come whole is handed over as it is.
    static let wholeBodyBytesMax = 64 * 1024
}
