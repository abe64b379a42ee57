// The engine's way out: answers to HEADERS and DATA frames, the streams in turn.

package import HTTP

extension HTTP2Engine {
    // MARK: Answers of a responder

    /// The responder has answered, or failed and this is what the client is told.
    package func respond(_ number: RequestNumber, with response: Response, in context: inout EngineContext) {
        guard let stream = stream(of: number), case .waiting = stream.phase else { return response.body.cancel() }
        if case .stream = response.body.content {} else { stream.isRunning = false }
        stream.phase = .ready(response)
        enqueue(stream)
        settle(in: &context)
    }

    /// An interim response came before the final one; dropped where the client need not be told.
    package func interim(_ number: RequestNumber, _ interim: InterimResponse, in context: inout EngineContext) {
        guard let stream = stream(of: number), case .waiting = stream.phase else { return }
        switch interim.status {
        case 100:
            // Only who asked for 100 (Continue) is told, and once.
            guard stream.awaitsContinue else { return }
            stream.awaitsContinue = false
        // RFC 9113 section 8.6: there is no 101 in HTTP/2.
        case 102...199: break
        default: return
        }
        addInterim(interim, to: stream, in: &context)
        settle(in: &context)
    }

    func addInterim(_ interim: InterimResponse, to stream: HTTP2Stream, in context: inout EngineContext) {
        guard stream.interims.count < HTTP2Stream.interimsMax else { return }
        stream.interims.append(interim)
        enqueue(stream)
    }

    /// The next octets of a response's stream, in answer to ``EngineAction/pull(_:)``.
    package func send(_ number: RequestNumber, _ chunk: BodyChunk, in context: inout EngineContext) {
        guard let stream = stream(of: number), case .streaming = stream.phase, !stream.hasEnded else { return }
        stream.isPulled = false
        if chunk.count > 0 {
            if let remaining = stream.remaining {
                // Section 8.1.1: more than was declared would make the response malformed.
                guard chunk.count <= remaining else {
                    breakOff(stream, .internalError, in: &context)
                    return settle(in: &context)
                }
                stream.remaining = remaining - Int64(chunk.count)
            }
            stream.chunk = chunk
            stream.stalledSince = stream.stalledSince ?? context.now
        }
        enqueue(stream)
        settle(in: &context)
    }

    /// A response's stream has ended where it was meant to.
    package func endStream(_ number: RequestNumber, in context: inout EngineContext) {
        guard let stream = stream(of: number), case .streaming = stream.phase else { return }
        stream.isRunning = false
        // Short of its declared length: the client must not take it for whole.
        if stream.remaining ?? 0 == 0 {
            stream.hasEnded = true
            enqueue(stream)
        } else {
            breakOff(stream, .internalError, in: &context)
        }
        settle(in: &context)
    }

    /// A response's stream broke off: it is reset, so that what has come cannot be taken for all.
    package func failStream(_ number: RequestNumber, in context: inout EngineContext) {
        guard let stream = stream(of: number) else { return }
        stream.isRunning = false
        breakOff(stream, .internalError, in: &context)
        settle(in: &context)
    }

    // MARK: Turns

    /// Lets a stream have its turn, behind those that wait already.
    func enqueue(_ stream: HTTP2Stream) {
        guard !stream.isQueued else { return }
        stream.isQueued = true
        ready.append(stream)
    }

    /// The connection's window is open: those that waited for it go on, in the order in which they came to wait.
    func feedStarved() {
        guard sendWindow > 0, !starved.isEmpty else { return }
        ready.append(contentsOf: starved)
        starved.removeAll(keepingCapacity: true)
    }

    /// Gives turns until nobody can go on or enough is written; whether there was one.
    func pump(in context: inout EngineContext) -> Bool {
        guard readyFirst < ready.count else { return false }
        let outputMax = context.output.output.count + HTTP2Engine.outputBytesMax
        while readyFirst < ready.count, context.output.output.count < outputMax, ending == .open {
            let stream = ready[readyFirst]
            readyFirst += 1
            if readyFirst == ready.count {
                ready.removeAll(keepingCapacity: true)
                readyFirst = 0
            } else if readyFirst >= 256 {
                ready.removeSubrange(..<readyFirst)
                readyFirst = 0
            }
            stream.isQueued = false
            // It may have been given up while it stood in the queue.
            if self.stream(stream.id) === stream { advance(stream, in: &context) }
        }
        if starved.isEmpty { starvedSince = nil }
        return true
    }

    /// One turn: the head if that is not out yet, and at most one DATA frame.
    private func advance(_ stream: HTTP2Stream, in context: inout EngineContext) {
        for interim in stream.interims {
            let start = context.output.output.count
            beginBlock(stream.id, in: &context)
            HTTP2ResponseHead.append(interim, to: &context.output.output)
            endBlock(at: start, endsStream: false, in: &context)
        }
        stream.interims = []
        switch stream.phase {
        case .waiting: return
        case .ready(let response):
            stream.phase = .streaming
            guard begin(response, of: stream, in: &context) else { return }
        case .streaming: break
        }
        sendData(of: stream, in: &context)
    }

    /// Writes one DATA frame if there is something to write, or sees to it that there will be.
    private func sendData(of stream: HTTP2Stream, in context: inout EngineContext) {
        guard let chunk = stream.chunk else {
            guard !stream.hasEnded else {
                context.output.output.append(
                    frame: HTTP2FrameType.data,
                    flags: HTTP2Flag.endStream,
                    stream: stream.id,
                    length: 0
                )
                return finish(stream, in: &context)
            }
            guard !stream.isPulled else { return }
            stream.isPulled = true
            return context.actions.append(.pull(stream.number))
        }
        guard stream.sendWindow > 0 else { return }
        guard sendWindow > 0 else {
            if starvedSince == nil { (starvedSince, sentSinceStarved) = (context.now, 0) }
            stream.isQueued = true
            return starved.append(stream)
        }
        let count = min(chunk.count, stream.sendWindow, sendWindow, HTTP2Default.frameBytesMax)
        let isLast = count == chunk.count
        let ends = isLast && stream.hasEnded
        guard write(chunk, count, stream.id, endsStream: ends, in: &context) else {
            return breakOff(stream, .internalError, in: &context)
        }
        stream.sendWindow -= count
        stream.record?.bodyBytes += Int64(count)
        controlFrames.give(HTTP2Engine.controlFrames(for: count) + (isLast ? 1 : 0))
        noteProgress(of: stream, count, in: &context)
        if ends {
            stream.chunk = nil
            return finish(stream, in: &context)
        }
        stream.chunk = isLast ? nil : chunk.dropFirst(count)
        if isLast { stream.stalledSince = nil }
        enqueue(stream)
    }

    private func noteProgress(of stream: HTTP2Stream, _ count: Int, in context: inout EngineContext) {
        sentSinceStarved += count
        if starvedSince != nil, sentSinceStarved >= limits.responseProgressBytesMin {
            (starvedSince, sentSinceStarved) = (context.now, 0)
        }
        stream.sentSinceStall += count
        guard stream.sentSinceStall >= limits.responseProgressBytesMin else { return }
        stream.sentSinceStall = 0
        stream.stalledSince = context.now
    }

    /// The response is written whole.
    private func finish(_ stream: HTTP2Stream, in context: inout EngineContext) {
        // Section 8.1: what is left of the request is not needed.
        if stream.isRemoteOpen { writeReset(stream.id, .noError, in: &context) }
        remove(stream, isComplete: true, in: &context)
    }

    // MARK: Frames

    /// Writes one DATA frame of the first `count` octets, which the windows allow; false if they cannot be had.
    private func write(
        _ chunk: BodyChunk,
        _ count: Int,
        _ id: UInt32,
        endsStream: Bool,
        in context: inout EngineContext
    ) -> Bool {
        let start = context.output.output.count
        context.output.output.append(
            frame: HTTP2FrameType.data,
            flags: endsStream ? HTTP2Flag.endStream : 0,
            stream: id,
            length: count
        )
        switch chunk {
        case .bytes(let bytes): context.output.output.append(contentsOf: bytes.prefix(count))
        case .file(let region):
            guard context.output.output.append(region, count: count) else {
                // A file that is shorter than it was must not look like its end.
                context.output.output.removeSubrange(start...)
                return false
            }
        }
        sendWindow -= count
        return true
    }

    /// Writes a body at once if it is small and the windows have room for it; whether it did.
    ///
    /// The stream is new, so its window is the initial one.
    func sendWhole(_ body: BodyChunk, _ id: UInt32, in context: inout EngineContext) -> Bool {
        let count = body.count
        guard case .bytes(let bytes) = body, starved.isEmpty, count <= HTTP2Engine.wholeBodyBytesMax,
            count <= min(sendWindow, peerInitialWindow)
        else { return false }
        var rest = bytes
        repeat {
            let part = min(rest.count, HTTP2Default.frameBytesMax)
            let isLast = part == rest.count
            _ = write(.bytes(rest), part, id, endsStream: isLast, in: &context)
            controlFrames.give(HTTP2Engine.controlFrames(for: part))
            rest = rest.dropFirst(part)
        } while !rest.isEmpty
        return true
    }

    /// Bodies up to this are sent in one go with their head; larger ones take turns with those of other streams.
    private static let wholeBodyBytesMax = 32 * 1024

    /// Control frames that a client may send for so many octets: it opens windows as it takes them.
    ///
    /// None for a few octets, so that a tiny window does not pay for its own updates.
    private static func controlFrames(for bytes: Int) -> Int { bytes / 1024 }

    /// Begins a HEADERS frame.
    func beginBlock(_ id: UInt32, in context: inout EngineContext) {
        context.output.output.append(
            frame: HTTP2FrameType.headers,
            flags: HTTP2Flag.endHeaders,
            stream: id,
            length: 0
        )
        guard !hasSentBlock else { return }
        hasSentBlock = true
        context.output.output.append(HPACKEncoder.emptyTable)
    }

    /// Ends the HEADERS frame that begins at `start`, and splits it if it is longer than the client takes.
    func endBlock(at start: Int, endsStream: Bool, in context: inout EngineContext) {
        let bytesMax = HTTP2Default.frameBytesMax
        if endsStream { context.output.output[start + 4] |= HTTP2Flag.endStream }
        var rest = context.output.output.count - start - HTTP2FrameHeader.count
        guard rest > bytesMax else { return context.output.output.setLength(ofFrameAt: start) }
        let block = Array(context.output.output[(start + HTTP2FrameHeader.count)...])
        let id = context.output.output.span.bigEndian32(at: start + 5)
        context.output.output.removeSubrange((start + HTTP2FrameHeader.count + bytesMax)...)
        context.output.output.setLength(ofFrameAt: start)
        context.output.output[start + 4] &= ~HTTP2Flag.endHeaders
        rest -= bytesMax
        while rest > 0 {
            let count = min(rest, bytesMax)
            rest -= count
            context.output.output.append(
                frame: HTTP2FrameType.continuation,
                flags: rest == 0 ? HTTP2Flag.endHeaders : 0,
                stream: id,
                length: count
            )
            context.output.output.append(contentsOf: block[(block.count - rest - count)..<(block.count - rest)])
        }
    }
}

extension BodyChunk {
    /// What follows the first `count` octets; there must be more.
    fileprivate func dropFirst(_ count: Int) -> BodyChunk {
        switch self {
        case .bytes(let bytes): return .bytes(bytes.dropFirst(count))
        case .file(var region):
            region.offset += Int64(count)
            region.count -= count
            return .file(region)
        }
    }
}
