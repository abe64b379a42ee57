// The body of one `/changes` stream: a cursor into the log that all streams share.

import HTTP
import Synchronization

/// Reads events as its reader wants them; holds none.
final class ChangeStream: BodySource {
    private struct State {
        var cursor: UInt64
        var hasBegun = false
        var isCancelled = false
        var isClosed = false
    }

    private let registry: Registry
    private let kinds: EventKinds
    /// The log's life when the cursor was asked for.
    private let life: Int
    private let state: Mutex<State>

    /// A stream of events after `cursor`; its place has been taken with ``ChangeLog/open(watchersMax:)``.
    init(registry: Registry, after cursor: UInt64, life: Int, kinds: EventKinds) {
        (self.registry, self.life, self.kinds) = (registry, life, kinds)
        state = Mutex(State(cursor: cursor))
        registry.metrics.watchers.add(1, ordering: .relaxed)
    }

    deinit { close() }

    func next() async throws -> BodyChunk? {
        while true {
            let (cursor, isCancelled, isFirst) = state.withLock { state in
                defer { state.hasBegun = true }
                return (state.cursor, state.isCancelled, !state.hasBegun)
            }
            guard !isCancelled, !Task.isCancelled else {
                close()
                throw BodyError.cancelled
            }
            // Sends the head on its way, and tells where to go on after a cut before the first event.
            if isFirst { return .bytes(Array("retry: 1000\nid: \(cursor)\n\n".utf8)[...]) }
            guard registry.log.life == life else {
                registry.metrics.watchersLost.add(1, ordering: .relaxed)
                close()
                return nil
            }
            let found = registry.log.next(after: cursor, of: kinds)
            switch found {
            case .octets(let octets, let last):
                state.withLock { $0.cursor = last }
                if !octets.isEmpty { return .bytes(octets) }
            case .behind:
                guard let octets = try await older(after: cursor) else {
                    registry.metrics.watchersLost.add(1, ordering: .relaxed)
                    close()
                    return nil
                }
                if !octets.isEmpty { return .bytes(octets) }
            case .nothing:
                switch await wait(after: cursor) {
                case .news: break
                case .beat: return .bytes(ChangeStream.comment)
                case .ended where state.withLock({ $0.isCancelled }): break
                case .ended:
                    close()
                    return nil
                }
            }
        }
    }

    func cancel() {
        state.withLock { $0.isCancelled = true }
        registry.log.cancel(ObjectIdentifier(self))
        close()
    }

    /// Octets that the log no longer has; nil if the store does not have them either.
    private func older(after cursor: UInt64) async throws -> ArraySlice<UInt8>? {
        // Asked before the store is: what comes while it answers is not to be passed over.
        let newest = registry.log.newest
        switch try await registry.events(since: cursor, limit: registry.configuration.pageMax) {
        case .gone: return nil
        case .events(let events):
            let page = EventPage(events, after: cursor)
            // Changes that are no events leave nothing to read.
            let last = events.isEmpty ? newest : page.last
            state.withLock { $0.cursor = max($0.cursor, last) }
            return page.slice(after: cursor, of: kinds)
        }
    }

    private func wait(after cursor: UInt64) async -> ChangeLog.Wake {
        await withTaskCancellationHandler {
            await registry.log.wait(ObjectIdentifier(self), after: cursor) {
                state.withLock { $0.isCancelled }
            }
        } onCancel: {
            cancel()
        }
    }

    private func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        registry.log.close()
        registry.metrics.watchers.subtract(1, ordering: .relaxed)
    }

    private static let comment = Array(":\n\n".utf8)[...]
}
