// Pulls any kind of body chunk by chunk.

import HTTP

/// The chunks of a body, whatever it is made of; knows whether all that was declared has come.
struct BodyPuller {
    private var content: Body.Content
    private let length: Int64?
    private var received: Int64 = 0

    init(_ body: Body) {
        content = body.content
        length = body.length
    }

    /// Whether as much has come as was declared.
    var isAtDeclaredEnd: Bool { length == received }

    /// Whether only the end of the body tells how long it is.
    var isEndUndeclared: Bool { length == nil }

    /// The next chunk; nil at the declared end, a throw if the body ends anywhere else.
    mutating func next() async throws -> BodyChunk? {
        switch content {
        case .none:
            return nil
        case .bytes(let bytes):
            content = .none
            received += Int64(bytes.count)
            return .bytes(bytes)
        case .file(let region):
            content = .none
            received += Int64(region.count)
            return .file(region)
        case .stream(let source):
            guard let chunk = try await source.next() else {
                if let length, received < length { throw BodyError.truncated }
                return nil
            }
            received += Int64(chunk.count)
            return chunk
        }
    }
}
