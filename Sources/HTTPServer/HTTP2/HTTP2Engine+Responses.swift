// How a Response becomes a header block and what is sent behind it, or is found not to be one.

import HTTP

extension HTTP2Engine {
    /// Writes the head of a stream's response; whether DATA frames follow.
    func begin(_ answer: Response, of stream: HTTP2Stream, in context: inout EngineContext) -> Bool {
        var response = answer
        if !HTTP2Engine.isSound(response, isHead: stream.isHead) {
            giveUp(response, of: stream, in: &context)
            response = Response(status: 500, text: "500 Internal Server Error: a response without sound framing")
        }
        let isBodyless = response.status == 204 || response.status == 304
        let known = HTTP2Engine.knownLength(of: response.body, isHead: stream.isHead)
        let length = response.body.length ?? known
        let hasContent = !isBodyless && !stream.isHead && known != 0
        let start = context.output.output.count
        beginBlock(stream.id, in: &context)
        HTTP2ResponseHead.append(
            response,
            length: isBodyless ? nil : length,
            date: context.date.octets,
            to: &context.output.output
        )
        endBlock(at: start, endsStream: !hasContent, in: &context)
        if stream.record != nil {
            stream.record?.firstOctetAtNanoseconds = context.monotonicNanoseconds()
            stream.record?.status = response.status
            stream.record?.headBytes = Int64(context.output.output.count - start)
            stream.record?.outcome = CacheOutcome(response.fields)
        }
        guard hasContent else {
            giveUp(response, of: stream, in: &context)
            stream.hasEnded = true
            if stream.isRemoteOpen { writeReset(stream.id, .noError, in: &context) }
            remove(stream, isComplete: true, in: &context)
            return false
        }
        switch response.body.content {
        case .none: break
        case .bytes(let bytes): stream.chunk = .bytes(bytes)
        case .file(let region): stream.chunk = .file(region)
        case .stream:
            stream.source = response.body
            stream.remaining = length
            return true
        }
        stream.hasEnded = true
        stream.stalledSince = context.now
        return true
    }

    /// Ends a stream that nobody will read.
    private func giveUp(_ response: Response, of stream: HTTP2Stream, in context: inout EngineContext) {
        guard case .stream = response.body.content else { return }
        response.body.cancel()
        if stream.isRunning { context.actions.append(.cancel(stream.number)) }
        stream.isRunning = false
    }

    /// The length of a body that is there, declared or not; nil too for what HEAD does not show.
    private static func knownLength(of body: Body, isHead: Bool) -> Int64? {
        switch body.content {
        case .none: isHead ? nil : 0
        case .bytes(let bytes): Int64(bytes.count)
        case .file(let region): Int64(region.count)
        case .stream: nil
        }
    }

    /// Whether status and framing can be sent without a lie.
    private static func isSound(_ response: Response, isHead: Bool) -> Bool {
        guard (200...999).contains(response.status) else { return false }
        guard let length = response.body.length else { return true }
        guard length >= 0 else { return false }
        if case .none = response.body.content, response.status == 304 { return true }
        guard let known = knownLength(of: response.body, isHead: isHead) else { return true }
        return known == length
    }
}
