// What runs as long as the registry does: leases end, and watchers are told.

import HTTP
import Synchronization

extension Registry {
    /// Ends leases that ran out, tells watchers of changes and keeps silent streams alive, until it is cancelled.
    ///
    /// A store that fails is asked again after a pause. On return all streams of changes have been told to end.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sweepAgainAndAgain() }
            group.addTask { await self.tellOfChanges() }
            group.addTask { await self.beat() }
            await group.waitForAll()
        }
        log.end()
    }

    /// Ends all streams of changes in good order; new ones are refused from now on.
    ///
    /// To be called before a server is told to stop: it would wait for them in vain.
    package func endWatches() {
        log.end()
    }

    /// Asks the store for what is asked of it once, so that the first renewals need not wait for it.
    ///
    /// - Throws: ``RegistryError`` if the store cannot be read: better known before a port is opened.
    package func prepare() async throws(RegistryError) {
        _ = try await loadSecret()
    }

    /// Ends the leases that ran out, and frees the names whose hold is over; throws only what the store throws.
    func sweep() async throws(RegistryError) {
        while !Task.isCancelled {
            let now = now()
            let limit = max(1, configuration.pageMax)
            let due = try await entries(.due(before: now, limit: limit))
            let changes = due.compactMap { rules.decide(.passing, current: $0, now: now).change }
            guard !changes.isEmpty else { return }
            let revisions = try await apply(changes)
            let made = zip(changes, revisions).count { $0.kind == .expire && $1 != nil }
            metrics.expiries.add(made, ordering: .relaxed)
            // A conflict means that somebody else did it, or that the peer came back.
            guard due.count >= limit, revisions.contains(where: { $0 != nil }) else { return }
        }
    }

    private func sweepAgainAndAgain() async {
        while await pause(configuration.sweepInterval) {
            do {
                try await sweep()
            } catch {
                // Counted; the next sweep finds what this one left.
                guard await pause(configuration.retryInterval) else { return }
            }
        }
    }

    private func tellOfChanges() async {
        while !Task.isCancelled {
            do {
                let newest = try await reading("waiting for events") {
                    try await self.store.waitForEvents(after: self.log.newest)
                }
                guard !Task.isCancelled else { return }
                if newest < log.newest { log.restart(at: newest) }
                try await tell(upTo: newest)
                let woken = log.watcherCount
                let wanted = configuration.wakePausePerWatcher * woken
                let pausing = min(max(wanted, Registry.wakePauseMin), configuration.wakePauseMax)
                guard await pause(pausing) else { return }
            } catch {
                guard await pause(configuration.retryInterval) else { return }
            }
        }
    }

    /// So long at least are events gathered before watchers are woken.
    private static let wakePauseMin = Duration.milliseconds(5)

    /// Puts into the log what is new.
    private func tell(upTo newest: UInt64) async throws(RegistryError) {
        guard log.watcherCount > 0 else { return log.skip(to: newest) }
        while log.newest < newest {
            switch try await events(since: log.newest, limit: configuration.pageMax) {
            case .gone: return log.skip(to: newest)
            case .events(let events):
                // Changes that are no events leave nothing to tell.
                guard !events.isEmpty else { return log.skip(to: newest) }
                log.append(events)
            }
        }
    }

    private func beat() async {
        while await pause(configuration.heartbeatInterval) { log.beat() }
    }

    /// Whether the pause was not cut short by cancellation.
    private func pause(_ duration: Duration) async -> Bool {
        do {
            try await clock.sleep(for: duration)
            return !Task.isCancelled
        } catch {
            return false
        }
    }

    // MARK: Watching

    /// The revision of the newest change.
    func newestRevision() async throws(RegistryError) -> UInt64 {
        if let image { return image.lastRevision }
        var newest = log.newest
        while true {
            switch try await events(since: newest, limit: configuration.pageMax) {
            case .gone(let oldest):
                // Later than what this process knows, or earlier if the store forgot.
                let last = oldest > 0 ? oldest - 1 : 0
                guard last != newest else { return newest }
                newest = last
            case .events(let events):
                guard let last = events.last, last.revision > newest else { return newest }
                newest = last.revision
            }
        }
    }

    /// Nil if all events after `revision` are held or yet to come; else the oldest that is held.
    func oldestIfGone(_ revision: UInt64) async throws(RegistryError) -> UInt64? {
        if case .gone(let oldest) = try await events(since: revision, limit: 1) { return oldest }
        let newest = try await newestRevision()
        guard revision > newest else { return nil }
        // Not of this store's life.
        switch try await events(since: 0, limit: 1) {
        case .gone(let oldest): return oldest
        case .events(let events): return events.first?.revision ?? newest + 1
        }
    }
}
