// The engine's way in: octets to frames, and those frames that are about the connection.

import HTTP

extension HTTP2Engine {
    /// What a PING of ours says, whose answer means that the client has read the GOAWAY before it.
    static let departurePing: [UInt8] = Array("goodbye!".utf8)
    /// Settings, and what of DATA the client may send.
    func begin(in context: inout EngineContext) {
        context.output.output.append(settings: [
            (HTTP2Setting.headerTableSize, UInt32(clamping: limits.headerTableBytes)),
            (HTTP2Setting.maxConcurrentStreams, UInt32(clamping: limits.streamsMax)),
            (HTTP2Setting.initialWindowSize, UInt32(clamping: streamWindow)),
            (HTTP2Setting.maxHeaderListSize, UInt32(clamping: context.configuration.headBytesMax)),
            (HTTP2Setting.noRFC7540Priorities, 1),
        ])
        credit(min(limits.receiveWindowBytes, HTTP2Default.windowMax) - receiveWindow, in: &context)
    }

    // MARK: Octets

    /// Uses up whole frames from the first on for as long as that is possible now; returns how many octets.
    func process(_ octets: Span<UInt8>, in context: inout EngineContext) -> Int {
        var position = 0
        do throws(HTTP2ErrorCode) {
            if !isPrefaceRead {
                guard try readPreface(octets) else { return 0 }
                position = HTTP2Default.preface.utf8CodeUnitCount
            }
            let outputMax = context.output.output.count + HTTP2Engine.outputBytesMax
            while octets.count - position >= HTTP2FrameHeader.count {
                let header = HTTP2FrameHeader(octets, at: position)
                guard header.length <= HTTP2Default.frameBytesMax else { throw .frameSizeError }
                let start = position + HTTP2FrameHeader.count
                let end = start + header.length
                guard end <= octets.count, context.output.output.count < outputMax else { break }
                try take(header, octets.extracting(start..<end), in: &context)
                guard ending == .open else { return octets.count }
                position = end
            }
        } catch {
            leave(error, in: &context)
            return octets.count
        }
        noteHead(octets.extracting(position...), in: &context)
        return position
    }

    /// Whether the client's preface has come (RFC 9113 section 3.4).
    private func readPreface(_ octets: Span<UInt8>) throws(HTTP2ErrorCode) -> Bool {
        let preface = HTTP2Default.preface
        let count = min(octets.count, preface.utf8CodeUnitCount)
        for index in 0..<count where octets[index] != preface.utf8Start[index] { throw .protocolError }
        isPrefaceRead = count == preface.utf8CodeUnitCount
        return isPrefaceRead
    }

    /// Notes since when something is begun that should not take long: all but DATA, whose streams see to that.
    private func noteHead(_ rest: Span<UInt8>, in context: inout EngineContext) {
        let isData = rest.count >= HTTP2FrameHeader.count && rest[3] == HTTP2FrameType.data
        if block == nil, hasSettings, rest.isEmpty || isData {
            headSince = nil
        } else if headSince == nil {
            headSince = context.now
        }
    }

    private func take(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        if let block {
            // Section 6.10: nothing may come between the frames of a header block.
            guard header.type == HTTP2FrameType.continuation, header.streamID == block.stream else {
                throw .protocolError
            }
        } else if !hasSettings {
            // Section 3.4: the preface includes a SETTINGS frame.
            guard header.type == HTTP2FrameType.settings, !header.has(HTTP2Flag.ack) else { throw .protocolError }
        }
        switch header.type {
        case HTTP2FrameType.headers: try takeHeaders(header, payload, in: &context)
        case HTTP2FrameType.data: try takeData(header, payload, in: &context)
        case HTTP2FrameType.windowUpdate: try takeWindowUpdate(header, payload, in: &context)
        case HTTP2FrameType.continuation: try takeContinuation(header, payload, in: &context)
        case HTTP2FrameType.settings: try takeSettings(header, payload, in: &context)
        case HTTP2FrameType.ping: try takePing(header, payload, in: &context)
        case HTTP2FrameType.rstStream: try takeReset(header, payload, in: &context)
        case HTTP2FrameType.priority: try takePriority(header, payload, in: &context)
        case HTTP2FrameType.goAway:
            guard header.streamID == 0 else { throw .protocolError }
            guard payload.count >= 8 else { throw .frameSizeError }
            try spendControlFrame()
        // Only servers push (section 8.4).
        case HTTP2FrameType.pushPromise: throw .protocolError
        // Section 5.5.
        default: try spendControlFrame()
        }
    }

    /// One more frame that brings nothing.
    func spendControlFrame() throws(HTTP2ErrorCode) {
        guard controlFrames.take() else { throw .enhanceYourCalm }
    }

    // MARK: The connection's frames

    /// Section 6.5.
    private func takeSettings(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        guard header.streamID == 0 else { throw .protocolError }
        try spendControlFrame()
        guard !header.has(HTTP2Flag.ack) else {
            guard payload.isEmpty else { throw .frameSizeError }
            areSettingsAcknowledged = true
            return
        }
        guard payload.count % 6 == 0 else { throw .frameSizeError }
        hasSettings = true
        var window = peerInitialWindow
        for at in stride(from: 0, to: payload.count, by: 6) {
            let value = Int(payload.bigEndian32(at: at + 2))
            switch UInt16(payload[at]) << 8 | UInt16(payload[at + 1]) {
            case HTTP2Setting.enablePush:
                guard value <= 1 else { throw .protocolError }
            case HTTP2Setting.initialWindowSize:
                guard value <= HTTP2Default.windowMax else { throw .flowControlError }
                window = value
            case HTTP2Setting.maxFrameSize:
                guard (HTTP2Default.frameBytesMax..<1 << 24).contains(value) else { throw .protocolError }
                peerFrameBytesMax = value
            default: break
            }
        }
        try setInitialWindow(window)
        context.output.output.append(frame: HTTP2FrameType.settings, flags: HTTP2Flag.ack, stream: 0, length: 0)
    }

    /// The windows of all streams change with the initial one (section 6.9.2).
    ///
    /// Once a frame, so that a frame full of it costs no more.
    private func setInitialWindow(_ window: Int) throws(HTTP2ErrorCode) {
        let change = window - peerInitialWindow
        guard change != 0 else { return }
        peerInitialWindow = window
        for stream in streams {
            stream.sendWindow += change
            guard stream.sendWindow <= HTTP2Default.windowMax else { throw .flowControlError }
            if stream.wantsToSend, stream.sendWindow > 0 { enqueue(stream) }
        }
    }

    /// Section 6.7.
    private func takePing(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        guard header.streamID == 0 else { throw .protocolError }
        guard payload.count == 8 else { throw .frameSizeError }
        try spendControlFrame()
        guard header.has(HTTP2Flag.ack) else {
            return context.output.output.append(ping: payload, isAck: true)
        }
        let ping = HTTP2Engine.departurePing
        if case .announced = departure, payload.equals(ping.span) { depart(in: &context) }
    }

    /// Names the last stream that is answered; the connection ends with it.
    func depart(in context: inout EngineContext) {
        departure = .final
        context.output.output.append(goAway: .noError, lastStream: lastStreamID)
    }

    /// Section 6.9.
    private func takeWindowUpdate(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        guard payload.count == 4 else { throw .frameSizeError }
        try spendControlFrame()
        let increment = Int(payload.bigEndian32(at: 0) & 0x7fff_ffff)
        guard header.streamID != 0 else {
            guard increment > 0 else { throw .protocolError }
            sendWindow += increment
            guard sendWindow <= HTTP2Default.windowMax else { throw .flowControlError }
            return feedStarved()
        }
        guard !isIdle(header.streamID) else { throw .protocolError }
        guard let stream = stream(header.streamID) else { return }
        guard increment > 0 else { return try reset(stream, for: .protocolError, in: &context) }
        stream.sendWindow += increment
        guard stream.sendWindow <= HTTP2Default.windowMax else {
            return try reset(stream, for: .flowControlError, in: &context)
        }
        if stream.wantsToSend, stream.sendWindow > 0 { enqueue(stream) }
    }

    /// Section 6.3: read only to see that it is one.
    private func takePriority(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        guard header.streamID != 0 else { throw .protocolError }
        try spendControlFrame()
        let code: HTTP2ErrorCode
        if payload.count != 5 {
            code = .frameSizeError
        } else if payload.bigEndian32(at: 0) & 0x7fff_ffff == header.streamID {
            code = .protocolError
        } else {
            return
        }
        // A stream that is not open cannot be reset.
        guard let stream = stream(header.streamID) else { throw code }
        try reset(stream, for: code, in: &context)
    }

    /// Section 6.4.
    private func takeReset(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        guard payload.count == 4 else { throw .frameSizeError }
        guard header.streamID != 0, !isIdle(header.streamID) else { throw .protocolError }
        guard let stream = stream(header.streamID) else { return try spendControlFrame() }
        guard resets.take() else { throw .enhanceYourCalm }
        remove(stream, isComplete: false, in: &context)
    }

    // MARK: Stream errors

    /// Resets a stream for a fault of the client's, which counts (CVE-2025-8671).
    func reset(
        _ stream: HTTP2Stream,
        for code: HTTP2ErrorCode,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        try reset(stream.id, for: code, in: &context)
        remove(stream, isComplete: false, in: &context)
    }

    /// Resets a stream that is none any more, or not yet, for a fault of the client's, which counts.
    func reset(
        _ id: UInt32,
        for code: HTTP2ErrorCode,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        guard resets.take() else { throw .enhanceYourCalm }
        writeReset(id, code, in: &context)
    }

    /// Resets a stream for a reason that is not the client's.
    func breakOff(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode, in context: inout EngineContext) {
        writeReset(stream.id, code, in: &context)
        remove(stream, isComplete: false, in: &context)
    }

    /// Writes RST_STREAM and remembers that the stream's frames may still come.
    func writeReset(_ id: UInt32, _ code: HTTP2ErrorCode, in context: inout EngineContext) {
        context.output.output.append(reset: id, code)
        if resetStreams.count < HTTP2Engine.resetStreamsMax {
            resetStreams.append(id)
        } else {
            resetStreams[resetStreamsNext] = id
            resetStreamsNext = (resetStreamsNext + 1) % HTTP2Engine.resetStreamsMax
        }
    }

    private static let resetStreamsMax = 64
}
