// Header blocks to requests: the express lane, streams for the rest, and trailers.

import HTTP

extension HTTP2Engine {
    // MARK: Frames (RFC 9113 sections 6.2 and 6.10)

    func takeHeaders(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        guard header.streamID & 1 == 1 else { throw .protocolError }
        var fragment = try HTTP2Engine.withoutPadding(header, payload)
        var dependsOnItself = false
        if header.has(HTTP2Flag.priority) {
            guard fragment.count >= 5 else { throw .frameSizeError }
            dependsOnItself = payload.bigEndian32(at: fragment.lowerBound) & 0x7fff_ffff == header.streamID
            fragment = fragment.lowerBound + 5..<fragment.upperBound
        }
        let octets = payload.extracting(fragment)
        var block = HeaderBlock(
            stream: header.streamID,
            endsStream: header.has(HTTP2Flag.endStream),
            dependsOnItself: dependsOnItself,
            octets: []
        )
        guard !header.has(HTTP2Flag.endHeaders) else {
            return try finish(block, octets, in: &context)
        }
        guard octets.count <= limits.headerBlockBytesMax else { throw .enhanceYourCalm }
        block.octets = octets.array
        self.block = block
    }

    func takeContinuation(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        guard var block = self.block.take() else { throw .protocolError }
        block.continuations += 1
        payload.withUnsafeBufferPointer { block.octets.append(contentsOf: $0) }
        guard block.continuations <= limits.continuationsMax, block.octets.count <= limits.headerBlockBytesMax else {
            throw .enhanceYourCalm
        }
        guard header.has(HTTP2Flag.endHeaders) else {
            self.block = block
            return
        }
        let octets = block.octets
        try finish(block, octets.span, in: &context)
    }

    /// Where the payload's content is: without the padding of section 6.1.
    static func withoutPadding(
        _ header: HTTP2FrameHeader,
        _ payload: Span<UInt8>
    ) throws(HTTP2ErrorCode) -> Range<Int> {
        guard header.has(HTTP2Flag.padded) else { return 0..<payload.count }
        guard payload.count > 0 else { throw .frameSizeError }
        guard Int(payload[0]) < payload.count else { throw .protocolError }
        return 1..<payload.count - Int(payload[0])
    }

    // MARK: Blocks

    /// A header block is whole: a request, trailers, or something that may not be there.
    private func finish(
        _ block: HeaderBlock,
        _ octets: Span<UInt8>,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        let id = block.stream
        let open = id <= lastStreamID ? stream(id) : nil
        // Taken out of the context for as long as spans of it live.
        var fields: [UInt8] = []
        swap(&fields, &context.http2.fields)
        defer { swap(&fields, &context.http2.fields) }
        let isTrailer = id <= lastStreamID
        let reader = try decode(octets, isTrailer: isTrailer, endsStream: block.endsStream, &fields, in: &context)
        if id > lastStreamID {
            if case .final = departure {
                lateStreamID = max(lateStreamID, id)
                return
            }
            noteSkipped(below: id)
            lastStreamID = id
            guard !block.dependsOnItself else { return try reset(id, for: .protocolError, in: &context) }
            return try begin(id, reader, fields, block.endsStream, in: &context)
        }
        guard let open else {
            // Section 5.1.1: one that was never opened is unexpected; one that was is closed (section 5.1).
            guard !skippedStreams.contains(where: { $0.contains(id) }) else { throw .protocolError }
            // It may have been on its way when we reset the stream.
            guard resetStreams.contains(id) else { throw .streamClosed }
            return try spendControlFrame()
        }
        guard open.isRemoteOpen else { return try reset(open, for: .streamClosed, in: &context) }
        // Section 8.1: a second header section is the trailer section, which ends the stream.
        guard reader.fault == nil, block.endsStream else { return try reset(open, for: .protocolError, in: &context) }
        try endRequestBody(of: open, in: &context)
    }

    /// Remembers which streams will never be opened, as `id` is.
    private func noteSkipped(below id: UInt32) {
        let next = lastStreamID == 0 ? 1 : lastStreamID + 2
        guard id > next else { return }
        if skippedStreams.count == HTTP2Engine.skippedStreamsMax { skippedStreams.removeFirst() }
        skippedStreams.append(next..<id)
    }

    /// A client that leaves more gaps is told of the oldest that they are closed.
    private static let skippedStreamsMax = 16

    /// Decodes a block into the context's head and scratch buffer.
    private func decode(
        _ octets: Span<UInt8>,
        isTrailer: Bool,
        endsStream: Bool,
        _ fields: inout [UInt8],
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) -> HTTP2RequestReader {
        var reader = HTTP2RequestReader(isTrailer: isTrailer, limits: context.limits)
        HTTP2Scratch.clear(&fields)
        context.head.lines.removeAll(keepingCapacity: true)
        context.head.present = []
        context.head.minorVersion = 1
        let listBytesMax = context.limits.headBytesMax * HTTP2Engine.hopelessListFactor
        do throws(HPACKError) {
            var at = try decoder.begin(octets)
            while at < octets.count {
                let field = try decoder.next(octets, at: &at, into: &fields)
                reader.take(field, fields.span, into: &context.head)
                // The table must stay in step with the client's, but nothing is kept of what is refused.
                guard !reader.keepsOctets else { continue }
                fields.removeSubrange(field.nameStart...)
                if reader.listBytes > listBytesMax { break }
            }
        } catch {
            throw .compressionError
        }
        guard reader.listBytes <= listBytesMax else { throw .enhanceYourCalm }
        reader.finish(&fields, into: &context.head, endsStream: endsStream)
        return reader
    }

    /// A field list so many times larger than we take is not even decoded to its end: a bomb of references.
    private static let hopelessListFactor = 4

    // MARK: Requests

    /// The client has opened a stream with a request.
    private func begin(
        _ id: UInt32,
        _ reader: HTTP2RequestReader,
        _ fields: [UInt8],
        _ endsStream: Bool,
        in context: inout EngineContext
    ) throws(HTTP2ErrorCode) {
        idleSince = context.now
        controlFrames.give(HTTP2Engine.controlFramesPerRequest)
        if case .malformed? = reader.fault { return try reset(id, for: .protocolError, in: &context) }
        guard streams.count < limits.streamsMax else {
            // Section 5.1.2. Until our settings have come the client cannot know better.
            guard !areSettingsAcknowledged else { return try reset(id, for: .refusedStream, in: &context) }
            try spendControlFrame()
            return writeReset(id, .refusedStream, in: &context)
        }
        if case .refused(let refusal)? = reader.fault {
            let stream = open(id, in: &context)
            stream.isRemoteOpen = !endsStream
            stream.phase = .ready(refusal.response(with: context.configuration.ownResponseFields))
            return enqueue(stream)
        }
        if endsStream, answerAtOnce(id, fields.span, in: &context) { return }
        start(id, reader, fields.span, endsStream, in: &context)
    }

    /// Makes a stream of the head in the context, and gives it to the responder.
    private func start(
        _ id: UInt32,
        _ reader: HTTP2RequestReader,
        _ octets: Span<UInt8>,
        _ endsStream: Bool,
        in context: inout EngineContext
    ) {
        let head = context.head
        var request = Request(
            method: HTTP2Engine.method(of: head, in: octets),
            scheme: context.configuration.scheme,
            authority: String(decoding: octets.extracting(head.authority).array, as: UTF8.self),
            target: octets.extracting(head.target).array,
            fields: Fields(head: head, in: octets)
        )
        request.version = .http2
        let stream = open(id, in: &context)
        stream.isHead = head.method == .head
        note(octets, of: stream, in: &context)
        if !endsStream {
            let body = RequestBody(bufferBytes: max(1, streamWindow / 2))
            request.body = Body(length: reader.contentLength, content: .stream(body))
            stream.body = body
            stream.isRemoteOpen = true
            stream.bodyRemaining = reader.contentLength
            stream.awaitsContinue = reader.expectsContinue
            stream.bodySince = context.now
        }
        let started = StartedRequest(number: stream.number, request: request, body: stream.body, takesInterim: true)
        if !endsStream, reader.contentLength == 0, !reader.expectsContinue {
            // Nobody but us could tell the origin that octets came behind a body of none.
            stream.held = started
        } else {
            run(started, of: stream, in: &context)
        }
    }

    /// Gives a request to the responder.
    func run(_ started: StartedRequest, of stream: HTTP2Stream, in context: inout EngineContext) {
        stream.isRunning = true
        context.actions.append(.start(started))
    }

    /// Tells a stream's record what the journal wants of the request.
    private func note(_ octets: Span<UInt8>, of stream: HTTP2Stream, in context: inout EngineContext) {
        guard var record = stream.record.take() else { return }
        context.journal.note(context.head, in: octets, version: HTTP2Engine.version, in: &record)
        stream.record = record
    }

    static func method(of head: RequestHead, in octets: Span<UInt8>) -> Method {
        switch head.method {
        case .get: .get
        case .head: .head
        case .other: Method(String(decoding: octets.extracting(head.methodRange).array, as: UTF8.self))
        }
    }

    /// How the journal writes the version.
    private static let version: StaticString = " HTTP/2.0"

    // MARK: The express lane

    /// Lets the responder answer at once; whether it did.
    private func answerAtOnce(_ id: UInt32, _ fields: Span<UInt8>, in context: inout EngineContext) -> Bool {
        var answer = ImmediateResponse()
        swap(&answer, &context.http2.answer)
        defer { swap(&answer, &context.http2.answer) }
        HTTP2Scratch.clear(&answer)
        let isAnswered = context.responder.respondImmediately(
            to: context.head,
            in: fields,
            into: &answer
        )
        guard isAnswered else { return false }
        let start = context.output.output.count
        beginBlock(id, in: &context)
        let status = HTTP2ResponseHead.append(
            answer.output.span,
            date: context.date.octets,
            to: &context.output.output
        )
        guard status != 0 else {
            context.output.output.removeSubrange(start...)
            return false
        }
        let body = context.head.method == .head ? nil : answer.body.take()
        endBlock(at: start, endsStream: body == nil, in: &context)
        let headBytes = context.output.output.count - start
        let isWhole = body.map { sendWhole($0, id, in: &context) } ?? true
        guard !isWhole || context.journal.isOn else { return true }
        var record: ExchangeRecord?
        if context.journal.isOn {
            var answered = ExchangeRecord(startedAtNanoseconds: context.receivedAtNanoseconds)
            answered.status = status
            answered.headBytes = Int64(headBytes)
            answered.bodyBytes = isWhole ? Int64(body?.count ?? 0) : 0
            answered.outcome = answer.outcome
            record = answered
        }
        finishAnswer(id, fields, record, isWhole ? nil : body, in: &context)
        return true
    }

    /// The slow part of the express lane: the journal, and a body that waits for its turn or for a window.
    private func finishAnswer(
        _ id: UInt32,
        _ fields: Span<UInt8>,
        _ answered: ExchangeRecord?,
        _ body: BodyChunk?,
        in context: inout EngineContext
    ) {
        var record = answered
        if var answered {
            let now = context.monotonicNanoseconds()
            answered.firstOctetAtNanoseconds = now
            guard body != nil else {
                return context.journal.reportAtOnce(
                    context.head,
                    in: fields,
                    version: HTTP2Engine.version,
                    answered,
                    from: client,
                    at: now
                )
            }
            context.journal.note(context.head, in: fields, version: HTTP2Engine.version, in: &answered)
            record = answered
        }
        let stream = open(id, in: &context)
        stream.record = record
        stream.phase = .streaming
        stream.hasEnded = true
        stream.chunk = body
        stream.stalledSince = context.now
        enqueue(stream)
    }

    /// Control frames that a client may send for each request.
    private static let controlFramesPerRequest = 4
}
