// Reads a stored body from one position to another: what is held at once, what is coming as it comes.

package import HTTP

/// A body source over a stored response: serves held octets, waits for those in flight, has the rest fetched.
package final class BodyReader: BodySource {
    private let response: StoredResponse
    private let reader: ReaderID
    private let segmentBytes: Int64
    private let startFill: @Sendable (FillID) -> Void

    /// A reader of `range` of the body; without an upper bound to its end, wherever that is.
    ///
    /// It fails where `standIn` does. `startFill` is called when octets are missing that nobody fetches; the fill is registered already.
    package init(
        _ response: StoredResponse,
        from start: Int64,
        to end: Int64?,
        segmentBytes: Int64,
        after standIn: ReaderID? = nil,
        startFill: @escaping @Sendable (FillID) -> Void
    ) {
        self.response = response
        self.segmentBytes = segmentBytes
        self.startFill = startFill
        reader = response.withBody { $0.addReader(from: start, to: end, after: standIn) }
    }

    deinit {
        leave()
    }

    package func next() async throws -> BodyChunk? {
        while true {
            let (step, wake) = response.withBody { $0.take(reader) }
            wake.resume()
            switch step {
            case .bytes(let bytes):
                return .bytes(bytes)
            case .held(let offset, let count):
                if let region = try region(offset, count) { return .file(region) }
            case .end:
                return nil
            case .wait:
                await park()
                try Task.checkCancellation()
            case .startFill(let fill, _):
                startFill(fill)
            case .failed(let error):
                throw error
            }
        }
    }

    package func cancel() {
        leave()
    }

    /// Waits until the first octet can be read or cannot be had, and reads nothing; a throw says why not.
    package func waitForFirst() async throws {
        while true {
            let (step, wake) = response.withBody { $0.peek(reader) }
            wake.resume()
            switch step {
            case .bytes, .held, .end: return
            case .wait:
                await park()
                try Task.checkCancellation()
            case .startFill(let fill, _): startFill(fill)
            case .failed(let error): throw error
            }
        }
    }

    private func region(_ offset: Int64, _ count: Int64) throws -> FileRegion? {
        do {
            let region = try response.region(offset: offset, count: count, segmentBytes: segmentBytes)
            if response.isDetached { response.dropPassedSegments(segmentBytes: segmentBytes) }
            return region
        } catch let error as HTTPCacheError where error.code == .segmentMissing {
            // Evicted between the two locks, or deleted by hand: it is missing, so it is fetched.
            response.loseSegment(Int(offset / segmentBytes), before: reader, at: offset)
            return nil
        }
    }

    private func park() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !response.withBody({ $0.park(reader, continuation) }) { continuation.resume() }
            }
        } onCancel: {
            leave()
        }
    }

    private func leave() {
        response.removeReader(reader)
    }
}
