// The engine's way out: answers to octets, in the order of the requests.

package import HTTP

extension HTTP1Engine {
    // MARK: The express lane

    /// Lets the responder write its answer straight into the output; whether it did.
    mutating func answerAtOnce(_ octets: Span<UInt8>, in context: inout EngineContext) -> Bool {
        let start = context.output.output.count
        context.output.isDated = false
        guard context.responder.respondImmediately(to: context.head, in: octets, into: &context.output) else {
            context.output.output.removeSubrange(start...)
            context.output.body = nil
            return false
        }
        let keepsAlive = takesMore && !isShuttingDown
        if !context.output.isDated {
            context.output.output.append(contentsOf: context.date.octets)
        }
        finishHead(keepsAlive: keepsAlive, takesChunks: context.head.minorVersion == 1, in: &context)
        if !keepsAlive {
            takesMore = false
            inbound = .nothing
        }
        let headEnd = context.output.output.count
        var isOut = true
        if let body = context.output.body {
            if context.head.method == .head {
                context.output.body = nil
            } else if case .bytes(let bytes) = body, bytes.count <= HTTP1Engine.copiedBodyBytesMax {
                context.output.output.append(contentsOf: bytes)
                context.output.body = nil
            } else {
                isOut = false
            }
        }
        if !isOut || context.output.output.count >= HTTP1Engine.outputBytesMax { awaitsAcceptance = true }
        guard context.journal.isOn else { return true }
        let bodyCount = Int64(context.output.body?.count ?? context.output.output.count - headEnd)
        recordAnswer(octets, start..<headEnd, bodyCount, keepsAlive: keepsAlive, isOut: isOut, in: &context)
        return true
    }

    /// The slow part of the express lane: the journal is told, by an exchange once a body that is not copied is out.
    private mutating func recordAnswer(
        _ octets: Span<UInt8>,
        _ headRange: Range<Int>,
        _ bodyCount: Int64,
        keepsAlive: Bool,
        isOut: Bool,
        in context: inout EngineContext
    ) {
        var answered = ExchangeRecord(startedAtNanoseconds: context.receivedAtNanoseconds)
        let now = context.monotonicNanoseconds()
        answered.firstOctetAtNanoseconds = now
        answered.status = HTTP1Engine.status(in: context.output.output.span, at: headRange.lowerBound)
        answered.headBytes = Int64(headRange.count)
        answered.bodyBytes = bodyCount
        answered.outcome = context.output.outcome
        context.output.outcome = .none
        if isOut { return context.journal.reportAtOnce(context.head, in: octets, answered, from: client, at: now) }
        context.journal.note(context.head, in: octets, in: &answered)
        var exchange = makeExchange(answered)
        exchange.keepsAlive = keepsAlive
        exchange.phase = .flushing
        exchanges.append(exchange)
    }

    private static func status(in output: Span<UInt8>, at start: Int) -> Int {
        guard output.count >= start + 12 else { return 0 }
        return (start + 9..<start + 12).reduce(0) { $0 * 10 + Int(output[$1] &- 0x30) }
    }

    // MARK: Answers of a responder

    /// The responder has answered, or failed and this is what the client is told.
    package mutating func respond(
        _ number: RequestNumber,
        with response: Response,
        in context: inout EngineContext
    ) {
        guard ending == .open, let index = index(of: number), case .waiting = exchanges[index].phase else {
            return response.body.cancel()
        }
        if case .stream = response.body.content {} else { exchanges[index].isRunning = false }
        exchanges[index].phase = .ready(response)
        if index == 0 { settle(in: &context) }
    }

    /// An interim response came before the final one; dropped where the client cannot or need not be told.
    package mutating func interim(
        _ number: RequestNumber,
        _ interim: InterimResponse,
        in context: inout EngineContext
    ) {
        guard ending == .open, let index = index(of: number), exchanges[index].takesChunks,
            case .waiting = exchanges[index].phase
        else { return }
        switch interim.status {
        case 100:
            // Only who asked for 100 (Continue) is told, and once.
            guard exchanges[index].awaitsContinue else { return }
            exchanges[index].awaitsContinue = false
        // 101 would switch this connection, which is not the one that was switched.
        case 102...199: break
        default: return
        }
        addInterim(interim, to: index, in: &context)
    }

    mutating func addInterim(_ interim: InterimResponse, to index: Int, in context: inout EngineContext) {
        var octets = ReasonPhrase.statusLine(for: interim.status)
        HTTP1Engine.serialize(interim.fields, into: &octets)
        octets.append(0x0d)
        octets.append(0x0a)
        if index == 0, !isBlocked, !awaitsAcceptance {
            context.output.output.append(contentsOf: octets)
        } else if exchanges[index].interims.count + octets.count <= Exchange.interimBytesMax {
            exchanges[index].interims.append(contentsOf: octets)
        }
    }

    /// Sends the head of the first exchange's response, and its body if that is there.
    mutating func begin(_ answer: Response, in context: inout EngineContext) {
        var response = answer
        if !isSound(response) {
            response.body.cancel()
            cancelFirst(in: &context)
            response = Response(status: 500, text: "500 Internal Server Error: a response without sound framing")
        }
        let hasContent = !(response.status == 204 || response.status == 304 || exchanges[0].isHead)
        let isStream = if case .stream = response.body.content { true } else { false }
        let length = response.body.length ?? knownLength(of: response.body)
        let isChunked = hasContent && length == nil && exchanges[0].takesChunks
        decidePersistence(isDelimited: !hasContent || length != nil || isChunked)

        let start = context.output.output.count
        context.output.output.append(contentsOf: ReasonPhrase.statusLine(for: response.status))
        HTTP1Engine.serialize(response.fields, into: &context.output.output)
        if response.status != 204, response.status != 304 {
            if isChunked {
                context.output.output.append(contentsOf: "Transfer-Encoding: chunked\r\n".utf8)
            } else if let length {
                context.output.output.append(contentsOf: "Content-Length: \(length)\r\n".utf8)
            }
        }
        if !response.fields.contains(.date) { context.output.output.append(contentsOf: context.date.octets) }
        finishHead(keepsAlive: exchanges[0].keepsAlive, takesChunks: exchanges[0].takesChunks, in: &context)
        noteHead(response, bytes: context.output.output.count - start, in: &context)

        guard hasContent else {
            if isStream {
                response.body.cancel()
                cancelFirst(in: &context)
            }
            return finishFirst(in: &context)
        }
        switch response.body.content {
        case .none: finishFirst(in: &context)
        case .bytes(let bytes): sendWhole(.bytes(bytes), in: &context)
        case .file(let region): sendWhole(.file(region), in: &context)
        case .stream:
            exchanges[0].phase = .streaming(
                ResponseStream(remaining: length, isChunked: isChunked, body: response.body)
            )
        }
    }

    /// Tells the first exchange's record that its response has begun.
    private mutating func noteHead(_ response: Response, bytes: Int, in context: inout EngineContext) {
        guard exchanges[0].record != nil else { return }
        exchanges[0].record?.firstOctetAtNanoseconds = context.monotonicNanoseconds()
        exchanges[0].record?.status = response.status
        exchanges[0].record?.headBytes = Int64(bytes)
        exchanges[0].record?.outcome = CacheOutcome(response.fields)
    }

    /// Decides whether the connection outlives the first exchange, before its head says so.
    private mutating func decidePersistence(isDelimited: Bool) {
        let isLastWanted = exchanges.count == 1 && pending.isEmpty && (isShuttingDown || inputEnded)
        // A client that was never told to continue may send its body or not: nobody could tell what follows
        // (RFC 9110 section 10.1.1).
        let isBodyInDoubt = exchanges[0].awaitsContinue && isInBody
        if !isDelimited || isLastWanted || isBodyInDoubt { exchanges[0].keepsAlive = false }
    }

    private mutating func sendWhole(_ chunk: BodyChunk, in context: inout EngineContext) {
        exchanges[0].record?.bodyBytes += Int64(chunk.count)
        if case .bytes(let bytes) = chunk, bytes.count <= HTTP1Engine.copiedBodyBytesMax {
            context.output.output.append(contentsOf: bytes)
            return finishFirst(in: &context)
        }
        context.output.body = chunk
        exchanges[0].phase = .flushing
        awaitsAcceptance = true
    }

    // MARK: Streams

    /// The next octets of a response's stream, in answer to ``EngineAction/pull(_:)``.
    package mutating func send(_ number: RequestNumber, _ chunk: BodyChunk, in context: inout EngineContext) {
        guard ending == .open, exchanges.first?.number == number,
            case .streaming(var stream) = exchanges[0].phase
        else { return }
        stream.isPulled = false
        guard chunk.count > 0 else {
            exchanges[0].phase = .streaming(stream)
            return settle(in: &context)
        }
        if let remaining = stream.remaining {
            // More than was declared would be read as the next response.
            guard chunk.count <= remaining else { return close(.abort, in: &context) }
            stream.remaining = remaining - Int64(chunk.count)
        }
        exchanges[0].phase = .streaming(stream)
        exchanges[0].record?.bodyBytes += Int64(chunk.count)
        if stream.isChunked {
            context.output.output.append(contentsOf: String(chunk.count, radix: 16).utf8)
            context.output.output.append(contentsOf: [0x0d, 0x0a])
        }
        if case .bytes(let bytes) = chunk, bytes.count <= HTTP1Engine.copiedBodyBytesMax {
            context.output.output.append(contentsOf: bytes)
            if stream.isChunked { context.output.output.append(contentsOf: [0x0d, 0x0a]) }
        } else {
            context.output.body = chunk
            context.bodyEndsChunk = stream.isChunked
        }
        awaitsAcceptance = true
    }

    /// A response's stream has ended where it was meant to.
    package mutating func endStream(_ number: RequestNumber, in context: inout EngineContext) {
        guard ending == .open, exchanges.first?.number == number, case .streaming(let stream) = exchanges[0].phase
        else { return }
        exchanges[0].isRunning = false
        // Short of its declared length: the client must not take it for whole.
        guard stream.remaining ?? 0 == 0 else { return close(.abort, in: &context) }
        if stream.isChunked { context.output.output.append(contentsOf: "0\r\n\r\n".utf8) }
        finishFirst(in: &context)
        settle(in: &context)
    }

    /// A response's stream broke off: so does the connection, without an end that could be taken for one.
    package mutating func failStream(_ number: RequestNumber, in context: inout EngineContext) {
        guard ending == .open, let index = index(of: number) else { return }
        exchanges[index].isRunning = false
        close(.abort, in: &context)
    }

    // MARK: The end of an exchange

    private mutating func cancelFirst(in context: inout EngineContext) {
        if exchanges[0].isRunning { context.actions.append(.cancel(exchanges[0].number)) }
        exchanges[0].isRunning = false
    }

    /// The first exchange's response is handed on whole.
    mutating func finishFirst(in context: inout EngineContext) {
        let exchange = exchanges.removeFirst()
        idleSince = context.now
        report(exchange, isComplete: true, in: &context)
        let ownsBody = isInBody && exchanges.isEmpty
        if ownsBody { exchange.body?.fail(.cancelled) }
        guard exchange.keepsAlive else {
            let isUnread = hasUnreadInput || ownsBody || !pending.isEmpty || !exchanges.isEmpty
            return close(isUnread ? .linger : .flush, in: &context)
        }
        if ownsBody, drainBytesLeft == nil { drain(in: &context) }
    }

    // MARK: Heads

    /// Ends a head: what the connection does next, and the empty line.
    private func finishHead(keepsAlive: Bool, takesChunks: Bool, in context: inout EngineContext) {
        if !keepsAlive {
            context.output.output.append(contentsOf: "Connection: close\r\n".utf8)
        } else if !takesChunks {
            context.output.output.append(contentsOf: "Connection: keep-alive\r\n".utf8)
        }
        context.output.output.append(0x0d)
        context.output.output.append(0x0a)
    }

    /// The lines of `fields` without those that belong to another connection or are added here.
    private static func serialize(_ fields: Fields, into output: inout [UInt8]) {
        let dropped: KnownFieldSet = [
            .connection, .keepAlive, .proxyConnection, .transferEncoding, .contentLength, .upgrade,
        ]
        guard !fields.present.isDisjoint(with: dropped) else { return fields.serialize(into: &output) }
        var kept = fields
        kept.removeLines { line, _ in dropped.contains(line.known) }
        kept.serialize(into: &output)
    }

    /// The length of a body that is there, declared or not; nil too for what HEAD does not show.
    private func knownLength(of body: Body) -> Int64? {
        switch body.content {
        case .none: exchanges[0].isHead ? nil : 0
        case .bytes(let bytes): Int64(bytes.count)
        case .file(let region): Int64(region.count)
        case .stream: nil
        }
    }

    /// Whether status and framing can be sent without a lie.
    private func isSound(_ response: Response) -> Bool {
        guard (200...999).contains(response.status) else { return false }
        guard let length = response.body.length else { return true }
        guard length >= 0 else { return false }
        if case .none = response.body.content, response.status == 304 { return true }
        guard let known = knownLength(of: response.body) else { return true }
        return known == length
    }
}
