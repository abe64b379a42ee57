// Has large bodies reach the disk as they come, not all at once when the system finds the time.

import CLinux
import Dispatch
import HTTP
import Synchronization

/// Has the disk take what one fill has written, a step behind it.
///
/// The system would let gigabytes wait and then write them in one go; and what waits cannot leave the page cache when it was
/// read: see ``ReadBehind``. A disk that is slower than the origin holds nobody up here: it is asked for more when it has taken
/// the last, and what it was not asked for is written whenever the system writes it.
final class EarlyWriteback: Sendable {
    private struct State {
        var file: OpenFile?
        /// What has been written and not been asked for yet, as the descriptor counts.
        var waiting: Range<Int64> = 0..<0
        var isUnderWay = false
    }

    private let state = Mutex(State())
    private static let stepBytes: Int64 = 1 << 20

    /// Takes note of `count` octets written at `offset` of `file`.
    func note(_ file: OpenFile, _ offset: Int64, count: Int) {
        let start = file.base + offset
        let isDue = state.withLock { state in
            if state.file !== file || state.waiting.upperBound != start {
                state.file = file
                state.waiting = start..<start
            }
            state.waiting = state.waiting.lowerBound..<start + Int64(count)
            guard !state.isUnderWay, state.waiting.count >= Self.stepBytes else { return false }
            state.isUnderWay = true
            return true
        }
        if isDue { PageCache.queue.async { self.begin() } }
    }

    private func begin() {
        let (file, range) = state.withLock { state in
            (state.file.take(), state.waiting)
        }
        // It is a wish: where it cannot be had, the system writes when it does.
        if let file { _ = clinux_begin_writeback(file.descriptor, range.lowerBound, Int64(range.count)) }
        state.withLock { $0.isUnderWay = false }
    }
}

/// Where the system is told what to do with its page cache.
enum PageCache {
    /// One thread for all: telling blocks while the disk has as much to do as it takes.
    static let queue = DispatchQueue(label: "page cache", qos: .utility)
}
