// Several ranges of a stored body as one multipart/byteranges message, part after part.

import HTTP
import Synchronization

/// Reads the parts of a ``MultipartByteRanges`` one after another, with their heads in between; holds no octets itself.
final class MultipartBody: BodySource {
    private enum Place {
        case beforeHead(Int)
        case inPart(Int)
        case atEnd
        case over
    }

    private struct State {
        var place = Place.beforeHead(0)
        /// Of the part that is read, or the next one.
        var reader: BodyReader?
        var isCancelled = false
    }

    private let message: MultipartByteRanges
    private let makeReader: @Sendable (Int) -> BodyReader
    private let state = Mutex(State())

    /// The content of `message`, whose part `index` is read by `makeReader(index)`, called when its turn comes.
    init(_ message: MultipartByteRanges, makeReader: @escaping @Sendable (Int) -> BodyReader) {
        self.message = message
        self.makeReader = makeReader
    }

    /// Waits until the first part's first octet can be read or cannot be had; a throw says why not.
    func waitForFirst() async throws {
        try await reader(of: 0).waitForFirst()
    }

    func next() async throws -> BodyChunk? {
        while true {
            switch state.withLock({ $0.place }) {
            case .beforeHead(let index):
                // A part that cannot be had is not announced.
                try await reader(of: index).waitForFirst()
                state.withLock { $0.place = .inPart(index) }
                return .bytes(message.head(ofPart: index)[...])
            case .inPart(let index):
                if let chunk = try await reader(of: index).next() { return chunk }
                let isLast = index + 1 == message.ranges.count
                state.withLock { state in
                    state.reader = nil
                    state.place = isLast ? .atEnd : .beforeHead(index + 1)
                }
            case .atEnd:
                state.withLock { $0.place = .over }
                return .bytes(message.end[...])
            case .over:
                return nil
            }
        }
    }

    func cancel() {
        let reader = state.withLock { state in
            state.isCancelled = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.cancel()
    }

    /// The reader of the part whose turn it is.
    private func reader(of index: Int) throws -> BodyReader {
        if let reader = state.withLock({ $0.reader }) { return reader }
        let reader = makeReader(index)
        let isCancelled = state.withLock { state in
            if !state.isCancelled { state.reader = reader }
            return state.isCancelled
        }
        guard !isCancelled else {
            reader.cancel()
            throw BodyError.cancelled
        }
        return reader
    }
}
