// The HTTP/1.1 connection as a state machine without I/O: octets and answers in, octets and actions out.

import HTTP

/// One server connection of HTTP/1.1 (RFC 9112), driven by a transport.
///
/// The transport calls a method for each event, then takes output and actions out of the context. Requests are read one
/// after another; the express lane answers them within ``receive(_:in:)``, all that came in one read into one output.
/// What it does not answer is started as an ``Exchange``; exchanges are answered in the order of their requests.
///
/// Backpressure to the client: after output that is not small the engine produces nothing until
/// ``outputAccepted(in:)``, and ``wantsRead`` turns false when enough octets wait.
package struct HTTP1Engine {
    /// What the octets that come in belong to.
    enum Inbound {
        /// The next request's head.
        case head
        /// A body of so many more octets.
        case length(Int64)
        case chunked(ChunkedDecoder)
        /// Nothing: no request is taken any more.
        case nothing
    }

    /// How far the connection's end is.
    enum Ending: Sendable, Equatable {
        case open, lingering, flushing, closed
    }

    var parser = RequestParser()
    /// The head that is being parsed; kept here only while it is incomplete.
    var partialHead: RequestHead?
    /// Octets received and not used yet, from the first of the next head on.
    var pending: [UInt8] = []
    var inbound = Inbound.head
    /// Whether the client may still begin HTTP/2 with prior knowledge: as the first it says, and not within TLS.
    var mayBecomeHTTP2: Bool
    /// Whether another head may follow what is being read.
    var takesMore = true
    /// Octets of an unread body that may still be drained; nil while somebody reads it.
    var drainBytesLeft: Int?
    var inputEnded = false
    /// Whether octets came that nobody will read: closing at once would reset the connection under the response.
    var hasUnreadInput = false

    /// Requests in order; the first one is the one that is being answered.
    var exchanges: [Exchange] = []
    var nextNumber: RequestNumber = 0
    let pipelinedRequestsMax: Int

    /// The transport holds output that the client has not taken.
    var isBlocked = false
    /// Output was produced that must be accepted before there is more.
    var awaitsAcceptance = false
    var ending = Ending.open
    var isShuttingDown = false

    // Milliseconds of the context's clock.
    var idleSince: Int64
    var headSince: Int64?
    var bodySince: Int64 = 0
    var bodyBytesSince = 0
    var outputSince: Int64

    /// The client, for the journal; set by the transport where there is one.
    package var client = JournalClient()

    /// A connection that was accepted now.
    package init(in context: borrowing EngineContext) {
        pipelinedRequestsMax = context.configuration.pipelinedRequestsMax
        mayBecomeHTTP2 = context.configuration.tls == nil
        idleSince = context.now
        outputSince = context.now
    }

    // MARK: What the transport may ask

    /// Whether octets from the client are wanted; false: leave them in the socket.
    package var wantsRead: Bool {
        switch ending {
        case .closed, .flushing: return false
        case .lingering: return true
        case .open: break
        }
        if case .head = inbound { return pending.count < HTTP1Engine.pendingBytesMax }
        return exchanges.last?.body?.isFull != true
    }

    /// Whether the connection has nothing to do, so that a server that stops may close it.
    package var isIdle: Bool {
        guard case .head = inbound else { return false }
        return exchanges.isEmpty && pending.isEmpty && ending == .open && !isBlocked && !awaitsAcceptance
    }

    /// Whether the engine waits for ``outputAccepted(in:)``.
    package var wantsAcceptance: Bool { (awaitsAcceptance || isBlocked) && ending != .closed }

    /// Octets of pipelined requests that are kept while an earlier one is answered; reading stops there.
    static let pendingBytesMax = 32 * 1024
    /// Output after which nothing more is produced until it is accepted.
    static let outputBytesMax = 64 * 1024
    /// Bodies up to this are copied behind the head; larger ones are handed on as they are.
    static let copiedBodyBytesMax = 8 * 1024

    // MARK: Events of the transport

    /// Octets came in.
    package mutating func receive(_ octets: Span<UInt8>, in context: inout EngineContext) {
        guard ending == .open else { return }
        idleSince = context.now
        if context.journal.isOn { context.receivedAtNanoseconds = context.monotonicNanoseconds() }
        guard !pending.isEmpty else {
            let used = process(octets, in: &context)
            if used < octets.count { keep(octets.extracting(used...)) }
            return settle(in: &context)
        }
        octets.withUnsafeBufferPointer { pending.append(contentsOf: $0) }
        processPending(in: &context)
        settle(in: &context)
    }

    /// The client has closed its sending side.
    package mutating func endInput(in context: inout EngineContext) {
        inputEnded = true
        switch ending {
        case .closed, .flushing: return
        case .lingering: return close(.flush, in: &context)
        case .open: break
        }
        outputSince = context.now
        switch inbound {
        case .head:
            // What waits behind an exchange is still parsed when its turn comes.
            if partialHead != nil { refuse(.endedEarly, in: &context) }
        case .length, .chunked:
            failRequestBody(.endedEarly, in: &context)
        case .nothing: break
        }
        settle(in: &context)
    }

    /// The transport could not hand all output to the client: nothing more until ``outputAccepted(in:)``.
    package mutating func blockOutput(in context: inout EngineContext) {
        if !isBlocked { outputSince = context.now }
        isBlocked = true
    }

    /// The client has taken something of what is blocked.
    package mutating func noteOutputProgress(in context: inout EngineContext) {
        outputSince = context.now
    }

    /// All output is handed on, or so much of it that more may follow.
    package mutating func outputAccepted(in context: inout EngineContext) {
        isBlocked = false
        awaitsAcceptance = false
        outputSince = context.now
        idleSince = context.now
        guard ending == .open else { return }
        if case .flushing? = exchanges.first?.phase { finishFirst(in: &context) }
        settle(in: &context)
    }

    /// No new requests: an idle connection is closed, any other after what is running.
    package mutating func shutDown(in context: inout EngineContext) {
        isShuttingDown = true
        if isIdle { close(.flush, in: &context) }
    }

    /// The connection is gone.
    package mutating func connectionLost(in context: inout EngineContext) {
        guard ending != .closed else { return }
        ending = .closed
        giveUpExchanges(in: &context)
    }

    /// The connection is one too many: it is told so, whatever it asks.
    package mutating func refuseConnection(_ refusal: RequestRefusal, in context: inout EngineContext) {
        refuse(refusal, in: &context)
        settle(in: &context)
    }

    /// Gives the connection up to the engine of HTTP/2.
    ///
    /// - Returns: The octets that came, from the first on, and whether the client has closed its sending side.
    package mutating func giveWay() -> (octets: [UInt8], hasEnded: Bool) {
        let octets = pending
        pending = []
        ending = .closed
        return (octets, inputEnded)
    }

    /// Ends the connection at once, so that the client sees a reset.
    package mutating func abort(in context: inout EngineContext) {
        guard ending != .closed else { return }
        close(.abort, in: &context)
    }

    // MARK: Moving on

    /// Does everything that can be done now, until it waits for an event.
    mutating func settle(in context: inout EngineContext) {
        while ending == .open, !isBlocked, !awaitsAcceptance {
            if advanceFirst(in: &context) { continue }
            guard !pending.isEmpty, mayReadHead else { return }
            let before = pending.count
            processPending(in: &context)
            guard pending.count < before else { return }
        }
    }

    /// Moves the first exchange on; whether there may be more to do at once.
    private mutating func advanceFirst(in context: inout EngineContext) -> Bool {
        guard !exchanges.isEmpty else {
            if case .nothing = inbound {
                close(hasUnreadInput ? .linger : .flush, in: &context)
            } else if inputEnded || isShuttingDown, pending.isEmpty, !isInBody {
                close(.flush, in: &context)
            }
            return false
        }
        if !exchanges[0].interims.isEmpty {
            context.output.output.append(contentsOf: exchanges[0].interims)
            exchanges[0].interims = []
        }
        switch exchanges[0].phase {
        case .held(let request):
            start(request, at: 0, in: &context)
            return false
        case .ready(let response):
            begin(response, in: &context)
            return true
        case .streaming(var stream) where !stream.isPulled:
            stream.isPulled = true
            exchanges[0].phase = .streaming(stream)
            context.actions.append(.pull(exchanges[0].number))
            return false
        case .waiting, .streaming, .flushing:
            return false
        }
    }

    var isInBody: Bool {
        switch inbound {
        case .length, .chunked: true
        case .head, .nothing: false
        }
    }

    // MARK: Ending

    mutating func close(_ kind: EngineClose, in context: inout EngineContext) {
        switch kind {
        case .flush: ending = .flushing
        case .linger: ending = inputEnded ? .flushing : .lingering
        case .abort: ending = .closed
        }
        idleSince = context.now
        outputSince = context.now
        inbound = .nothing
        pending = []
        partialHead = nil
        headSince = nil
        giveUpExchanges(in: &context)
        context.actions.append(.close(ending == .flushing ? .flush : kind))
    }

    /// Cancels what runs and reports it as cut.
    private mutating func giveUpExchanges(in context: inout EngineContext) {
        let cut = exchanges
        exchanges = []
        for exchange in cut {
            exchange.body?.fail(.truncated)
            switch exchange.phase {
            case .ready(let response): response.body.cancel()
            case .streaming(let stream): stream.body.cancel()
            case .held, .waiting, .flushing: break
            }
            if exchange.isRunning { context.actions.append(.cancel(exchange.number)) }
            report(exchange, isComplete: false, in: &context)
        }
    }

    /// Tells the journal about an exchange.
    func report(_ exchange: Exchange, isComplete: Bool, in context: inout EngineContext) {
        guard let record = exchange.record else { return }
        context.journal.report(record, from: client, isComplete: isComplete, at: context.monotonicNanoseconds())
    }
}
