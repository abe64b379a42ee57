// DATA frames to request bodies, and the windows that hold them back.

import HTTP

extension HTTP2Engine {
    /// RFC 9113 section 6.1.
    func takeData(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        // Also for streams that are none: nothing else is idle, and the server opens none.
        guard header.streamID & 1 == 1, !isIdle(header.streamID) else { throw .protocolError }
        receiveWindow -= payload.count
        guard receiveWindow >= 0 else { throw .flowControlError }
        let range = try HTTP2Engine.withoutPadding(header, payload)
        let endsStream = header.has(HTTP2Flag.endStream)
        if range.count < HTTP2Engine.tinyDataBytes, !endsStream { try spendControlFrame() }
        guard let stream = stream(header.streamID) else {
            credit(payload.count, in: &context)
            // It may have been on its way when we reset the stream, or said that it comes too late.
            if resetStreams.contains(header.streamID) || header.streamID > lastStreamID { return }
            return try reset(header.streamID, for: .streamClosed, in: &context)
        }
        stream.uncreditedToConnection += payload.count
        guard stream.isRemoteOpen else { return try reset(stream, for: .streamClosed, in: &context) }
        stream.receiveWindow -= payload.count
        guard stream.receiveWindow >= 0 else { return try reset(stream, for: .flowControlError, in: &context) }
        stream.uncredited += payload.count
        if let left = stream.bodyRemaining {
            // Section 8.1.1: more than the Content-Length says.
            guard range.count <= left else { return try reset(stream, for: .protocolError, in: &context) }
            stream.bodyRemaining = left - Int64(range.count)
        }
        stream.awaitsContinue = false
        noteBodyProgress(of: stream, range.count, in: &context)
        if !range.isEmpty { stream.body?.push(payload.extracting(range).array[...]) }
        if endsStream { try endRequestBody(of: stream, in: &context) }
        credit(stream, in: &context)
    }

    /// DATA frames of fewer octets than this cost more than they bring.
    private static let tinyDataBytes = 32

    /// The request has come whole.
    func endRequestBody(of stream: HTTP2Stream, in context: inout EngineContext) throws(HTTP2ErrorCode) {
        guard stream.bodyRemaining ?? 0 == 0 else { return try reset(stream, for: .protocolError, in: &context) }
        stream.isRemoteOpen = false
        stream.body?.finish()
        if let started = stream.held.take(), case .waiting = stream.phase { run(started, of: stream, in: &context) }
    }

    private func noteBodyProgress(of stream: HTTP2Stream, _ count: Int, in context: inout EngineContext) {
        stream.bodyBytesSince += count
        guard stream.bodyBytesSince >= context.configuration.bodyProgressBytesMin else { return }
        stream.bodyBytesSince = 0
        stream.bodySince = context.now
    }

    // MARK: Windows (section 5.2)

    /// Opens the connection's window again for what the stream's reader has taken, the stream's for what it has room for.
    ///
    /// Also called at each tick: a reader whose body is not full says nothing when it takes octets.
    func credit(_ stream: HTTP2Stream, in context: inout EngineContext) {
        let taken = stream.uncreditedToConnection - (stream.body?.bufferedBytes ?? 0)
        if taken > 0 {
            stream.uncreditedToConnection -= taken
            credit(taken, in: &context)
        }
        guard stream.isRemoteOpen, stream.body?.isFull == false, stream.uncredited >= max(1, streamWindow / 2) else {
            return
        }
        context.output.output.append(windowUpdate: stream.uncredited, stream: stream.id)
        stream.receiveWindow += stream.uncredited
        stream.uncredited = 0
    }

    /// Opens the connection's window again, some octets at a time.
    func credit(_ count: Int, in context: inout EngineContext) {
        uncredited += count
        guard uncredited >= HTTP2Engine.creditBytesMin, ending == .open else { return }
        context.output.output.append(windowUpdate: uncredited, stream: 0)
        receiveWindow += uncredited
        uncredited = 0
    }

    /// Less than the smallest window of a connection.
    private static let creditBytesMin = 32 * 1024

    // MARK: The reader

    /// The responder waits for octets of the body, or has made room for some.
    package func requestBodyWanted(_ number: RequestNumber, in context: inout EngineContext) {
        guard let stream = stream(of: number) else { return }
        stream.bodySince = context.now
        stream.bodyBytesSince = 0
        if stream.awaitsContinue, case .waiting = stream.phase {
            stream.awaitsContinue = false
            addInterim(InterimResponse(status: 100), to: stream, in: &context)
        }
        credit(stream, in: &context)
        settle(in: &context)
    }

    /// The responder wants no more of the body: the stream's window stays as it is, and the response ends the stream.
    package func requestBodyAbandoned(_ number: RequestNumber, in context: inout EngineContext) {
        guard let stream = stream(of: number) else { return }
        stream.body = nil
        credit(stream, in: &context)
    }
}
