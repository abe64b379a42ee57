// The newest events, serialised once, and the watchers that wait for the next.

import Synchronization

/// What the streams of changes share.
///
/// One task appends; each watcher has a cursor and takes what is behind it. Nobody is pushed anything: a watcher that is
/// slow falls behind, then reads from the store, and at last is told that what it wants is gone.
final class ChangeLog: Sendable {
    /// Why a watcher was woken.
    enum Wake: Sendable, Equatable {
        /// There may be events after its cursor.
        case news
        /// Nothing happened for a while: send a comment.
        case beat
        /// No more will come, or the watcher gave up.
        case ended
    }

    /// What is behind a cursor.
    enum Found: Sendable, Equatable {
        /// These octets, perhaps none, and the cursor after them.
        case octets(ArraySlice<UInt8>, UInt64)
        /// Events that only the store still has.
        case behind
        /// Nothing yet.
        case nothing
    }

    private struct State {
        /// Consecutive pages, oldest first.
        var pages: [EventPage] = []
        var eventCount = 0
        var newest: UInt64 = 0
        var waiters: [ObjectIdentifier: CheckedContinuation<Wake, Never>] = [:]
        var watcherCount = 0
        var hasEnded = false
        /// How often the store went back to an earlier state.
        var life = 0
    }

    private let state = Mutex(State())
    private let eventsMax: Int

    /// An empty log that keeps at most so many events.
    init(eventsMax: Int) {
        self.eventsMax = max(1, eventsMax)
    }

    /// The revision up to which watchers have been told.
    var newest: UInt64 { state.withLock { $0.newest } }

    /// Changes when the store went back to an earlier state: a stream of another life has told what is no longer so.
    var life: Int { state.withLock { $0.life } }

    /// Streams that are open.
    var watcherCount: Int { state.withLock { $0.watcherCount } }

    // MARK: Writing

    /// Adds events that follow those before, and wakes who waits.
    func append(_ events: [PeerEvent]) {
        guard let last = events.last else { return }
        let page = EventPage(events, after: newest)
        wake(.news) { state in
            state.pages.append(page)
            state.eventCount += page.count
            state.newest = max(state.newest, last.revision)
            while state.eventCount > eventsMax, state.pages.count > 1 {
                state.eventCount -= state.pages.removeFirst().count
            }
        }
    }

    /// Leaves events out up to `revision`: whoever wants them reads them from the store.
    func skip(to revision: UInt64) {
        wake(.news) { state in
            guard revision > state.newest else { return }
            state.newest = revision
            state.pages = []
            state.eventCount = 0
        }
    }

    /// The store has forgotten what came after `revision`: streams end, and whoever comes back is told of the gap.
    func restart(at revision: UInt64) {
        wake(.news) { state in
            (state.newest, state.pages, state.eventCount) = (revision, [], 0)
            state.life += 1
        }
    }

    /// Tells all who wait that the connection is alive.
    func beat() {
        wake(.beat) { _ in }
    }

    /// Ends all streams, now and later.
    func end() {
        wake(.ended) { $0.hasEnded = true }
    }

    private func wake(_ reason: Wake, _ change: (inout State) -> Void) {
        let woken = state.withLock { state in
            change(&state)
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in woken.values { waiter.resume(returning: reason) }
    }

    // MARK: Reading

    /// Counts a watcher in, unless there are `watchersMax` already or the log has ended.
    func open(watchersMax: Int) -> Bool {
        state.withLock { state in
            guard !state.hasEnded, state.watcherCount < watchersMax else { return false }
            state.watcherCount += 1
            return true
        }
    }

    /// Counts a watcher out.
    func close() {
        state.withLock { $0.watcherCount -= 1 }
    }

    /// What is behind `cursor`, one page at a time.
    func next(after cursor: UInt64, of kinds: EventKinds) -> Found {
        let page: EventPage? = state.withLock { state in
            guard let first = state.pages.first, cursor >= first.after else { return nil }
            var (low, high) = (0, state.pages.count)
            while low < high {
                let middle = (low + high) / 2
                if state.pages[middle].last <= cursor { low = middle + 1 } else { high = middle }
            }
            return low < state.pages.count ? state.pages[low] : nil
        }
        if let page { return .octets(page.slice(after: cursor, of: kinds), page.last) }
        return cursor < newest ? .behind : .nothing
    }

    /// Waits until there may be more after `cursor`.
    ///
    /// - Parameters:
    ///   - watcher: Who waits, once at a time.
    ///   - cursor: Up to where it has read.
    ///   - isCancelled: Asked before the wait begins; whoever makes it true calls ``cancel(_:)`` afterwards.
    /// - Returns: Why the wait is over.
    func wait(_ watcher: ObjectIdentifier, after cursor: UInt64, unless isCancelled: () -> Bool) async -> Wake {
        await withCheckedContinuation { continuation in
            let reason: Wake? = state.withLock { state in
                if state.hasEnded || isCancelled() { return .ended }
                if state.newest > cursor { return .news }
                state.waiters[watcher] = continuation
                return nil
            }
            if let reason { continuation.resume(returning: reason) }
        }
    }

    /// Ends the wait of one watcher.
    func cancel(_ watcher: ObjectIdentifier) {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: watcher) }
        waiter?.resume(returning: .ended)
    }
}
