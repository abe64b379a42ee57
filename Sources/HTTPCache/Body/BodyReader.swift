// Reads a stored body from one position to another: what is held at once, what is coming as it comes.

package import HTTP
import Synchronization

/// A body source over a stored response: serves held octets, waits for those in flight, has the rest fetched.
package final class BodyReader: BodySource {
    private let response: StoredResponse
    private let reader: ReaderID
    private let segmentBytes: Int64
    /// How much is checked at a time, at least, after the system went down.
    private static let checkBytes: Int64 = 8 << 20
    /// How much is read at a time where files are scarce.
    private static let readBytesMax = 256 << 10
    private let startFill: @Sendable (FillID) -> Void
    /// Up to here this reader, or who it waited with, had the octets fetched: reading them says nothing of their use.
    private let fetchedEnd: Atomic<Int64>
    private let behind = ReadBehindDropper()

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
        fetchedEnd = Atomic(standIn == nil ? 0 : .max)
        reader = response.withBody { $0.addReader(from: start, to: end, after: standIn) }
    }

    deinit {
        leave()
    }

    package func next() async throws -> BodyChunk? {
        while true {
            await checkSuspects()
            let (step, wake) = response.withBody { $0.take(reader) }
            wake.resume()
            switch step {
            case .bytes(let bytes):
                return .bytes(bytes)
            case .held(let offset, let count):
                if let region = try region(offset, count) { return try handedOut(region, at: offset) }
            case .end:
                return nil
            case .wait:
                await park()
                try Task.checkCancellation()
            case .startFill(let fill, let range):
                start(fill, range)
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
            await checkSuspects()
            let (step, wake) = response.withBody { $0.peek(reader) }
            wake.resume()
            switch step {
            case .bytes, .held, .end: return
            case .wait:
                await park()
                try Task.checkCancellation()
            case .startFill(let fill, let range): start(fill, range)
            case .failed(let error): throw error
            }
        }
    }

    /// Has octets checked that the system's going down may have spoilt, before they are read.
    private func checkSuspects() async {
        guard response.isSuspect.load(ordering: .relaxed),
            let range = response.withBody({ $0.suspectRange(for: reader) })
        else { return }
        await response.check(range.lowerBound..<min(range.upperBound, range.lowerBound + Self.checkBytes))
    }

    private func start(_ fill: FillID, _ range: Range<Int64>) {
        fetchedEnd.store(max(range.upperBound, fetchedEnd.load(ordering: .relaxed)), ordering: .relaxed)
        startFill(fill)
    }

    private func region(_ offset: Int64, _ count: Int64) throws -> FileRegion? {
        do {
            guard let region = try response.region(offset: offset, count: count, segmentBytes: segmentBytes) else {
                response.withBody { $0.lose(offset..<offset, at: offset, for: reader) }
                return nil
            }
            let isFetched = offset < fetchedEnd.load(ordering: .relaxed)
            if !isFetched { response.markUsed(segment: Int(offset / segmentBytes)) }
            // Where files are scarce, none is kept open for it.
            let isReadOnce = isFetched && !OpenSegments.isOverShare && response.withBody { $0.isReadOnce(at: offset) }
            behind.note(region, isReadOnce: isReadOnce)
            if response.isDetached { response.dropUnneededSegments() }
            return region
        } catch let error as HTTPCacheError where error.code == .segmentMissing {
            // Deleted by hand: it is missing, so it is fetched.
            response.loseSegment(Int(offset / segmentBytes), before: reader, at: offset)
            return nil
        }
    }

    /// The octets of a region: those in an open file, unless files are scarce, when some are read and the file is closed.
    private func handedOut(_ region: FileRegion, at offset: Int64) throws -> BodyChunk {
        guard OpenSegments.isOverShare else { return .file(region) }
        var part = region
        part.count = min(part.count, Self.readBytesMax)
        response.withBody { $0.putBack(reader, to: offset + Int64(part.count)) }
        do {
            return .bytes(try part.read()[...])
        } catch {
            part.reportIfLost()
            throw error
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
