// The body of a message: how long it is, if that is known, and where its octets come from.

/// One run of body octets on its way: in memory, or a region of a file that the transport may send by itself.
package enum BodyChunk: Sendable {
    case bytes(ArraySlice<UInt8>)
    case file(FileRegion)

    /// How many octets it holds; never 0.
    package var count: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(let region): region.count
        }
    }
}

/// Where a streamed body comes from: pulled, one chunk at a time, by one reader.
///
/// Backpressure is the pull: a source does not read ahead of its reader beyond its own bounded buffer.
package protocol BodySource: AnyObject, Sendable {
    /// The next octets; nil once the body has ended where it was declared to end.
    ///
    /// Throws if it ended anywhere else, by cut, reset or timeout: the reader must then break its own transfer and
    /// never end it cleanly. After nil or a throw it is not called again. Called by one task at a time.
    func next() async throws -> BodyChunk?

    /// The reader wants no more; may be called more than once, also after the end, from any thread.
    ///
    /// Wakes a waiting ``next()``, which throws.
    func cancel()

    /// Whether the body's end is told by the end of the connection alone (RFC 9112 section 6.3, rule 8); default false.
    var isCloseDelimited: Bool { get }
}

extension BodySource {
    package var isCloseDelimited: Bool { false }
}

/// A message body with its framing.
package struct Body: Sendable {
    package enum Content: Sendable {
        /// No octets; for a HEAD or 304 response `length` still says what a GET would have.
        case none
        case bytes(ArraySlice<UInt8>)
        case file(FileRegion)
        case stream(any BodySource)
    }

    /// The number of octets if known before the first is sent; nil: chunked, or until the connection closes.
    package var length: Int64?
    package var content: Content

    package init(length: Int64?, content: Content) {
        self.length = length
        self.content = content
    }

    /// A body of no octets: `Content-Length: 0` where the status allows a body.
    package static let empty = Body(length: 0, content: .none)

    /// A body in memory.
    package init(_ bytes: [UInt8]) {
        self.init(length: Int64(bytes.count), content: bytes.isEmpty ? .none : .bytes(bytes[...]))
    }

    /// A short text.
    package init(_ text: String) {
        self.init(Array(text.utf8))
    }

    /// Tells a stream that nobody reads it; of no effect on other bodies.
    package func cancel() {
        if case .stream(let source) = content { source.cancel() }
    }

    /// All octets, for tests and small documents; throws ``BodyError`` if there are more than `bytesMax`.
    package func collect(upTo bytesMax: Int) async throws -> [UInt8] {
        switch content {
        case .none: return []
        case .bytes(let bytes):
            guard bytes.count <= bytesMax else { throw BodyError.tooLong }
            return Array(bytes)
        case .file(let region):
            guard region.count <= bytesMax else { throw BodyError.tooLong }
            return try region.read()
        case .stream(let source):
            var all: [UInt8] = []
            while let chunk = try await source.next() {
                guard all.count + chunk.count <= bytesMax else {
                    source.cancel()
                    throw BodyError.tooLong
                }
                switch chunk {
                case .bytes(let bytes): all.append(contentsOf: bytes)
                case .file(let region): all.append(contentsOf: try region.read())
                }
            }
            return all
        }
    }
}

/// Why a body could not be had whole.
package enum BodyError: Error, Sendable, Equatable {
    /// More octets than the reader takes.
    case tooLong
    /// It ended before its declared end.
    case truncated
    /// The reader cancelled it.
    case cancelled
}
