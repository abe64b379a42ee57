// Buffers that all HTTP/2 connections of one event loop use in turn, each within one call.

import HTTP

/// Part of ``EngineContext``; empty allocations until the first HTTP/2 connection.
struct HTTP2Scratch {
    /// The octets of a request's fields, which the context's head points into.
    var fields: [UInt8] = []
    /// What the express lane answers, as HTTP/1.1 would send it.
    var answer = ImmediateResponse()

    /// Octets of a buffer that is kept from request to request.
    private static let keptBytes = 64 * 1024

    /// Makes ready for a request's fields.
    static func clear(_ fields: inout [UInt8]) {
        if fields.capacity > keptBytes { fields = [] }
        fields.removeAll(keepingCapacity: true)
        fields.append(contentsOf: HTTP2RequestReader.bufferStart)
    }

    /// Makes ready for an answer.
    static func clear(_ answer: inout ImmediateResponse) {
        if answer.output.capacity > keptBytes { answer.output = [] }
        answer.output.removeAll(keepingCapacity: true)
        answer.body = nil
        answer.outcome = .none
    }
}
