// Watches who comes and goes at the registry.

package import PeerIdentity
import Synchronization

/// How ``Presence`` behaves; each with its unit and what it bounds.
package struct PresenceConfiguration: Sendable {
    /// Peers remembered as present; beyond it new ones are not listed, though their joining is told.
    package var namesMax = 100_000
    /// The longest wait between two attempts at a registry that is away.
    package var retrySecondsMax: Int64 = 10
    /// How long a registry that tells nobody's coming and going is left alone.
    package var refusedSeconds: Int64 = 300

    package init() {}
}

/// The registry's word on who is present, kept up to date while ``run()`` runs.
package final class Presence: Sendable {
    private struct State {
        var table: PresenceTable
        var isCurrent = false
    }

    private let client: RegistryClient
    private let configuration: PresenceConfiguration
    private let random: @Sendable () -> Double
    private let onJoin: @Sendable (PeerIdentifier) -> Void
    private let state: Mutex<State>

    /// Watches the registry of `client`.
    ///
    /// - Parameters:
    ///   - client: Asks the registry.
    ///   - configuration: Limits.
    ///   - random: 0 to 1, for the jitter.
    ///   - onJoin: Told of each peer that came: what waits for it may be tried at once. Must not block.
    package init(
        client: RegistryClient,
        configuration: PresenceConfiguration = PresenceConfiguration(),
        random: @escaping @Sendable () -> Double,
        onJoin: @escaping @Sendable (PeerIdentifier) -> Void
    ) {
        (self.client, self.configuration, self.random, self.onJoin) = (client, configuration, random, onJoin)
        state = Mutex(State(table: PresenceTable(namesMax: configuration.namesMax)))
    }

    /// Whether the changes are followed now; if not, what is known may be old.
    package var isCurrent: Bool { state.withLock { $0.isCurrent } }

    /// Waits a moment for the changes to be followed: who asks right after the start means what the registry says, too.
    package func waitUntilCurrent() async {
        for _ in 0..<40 where !isCurrent && !Task.isCancelled { await sleep(.milliseconds(25)) }
    }

    /// Whether `peer` is present as far as is known.
    package func isPresent(_ peer: PeerIdentifier) -> Bool { state.withLock { $0.table.isPresent(peer) } }

    /// Present peers whose name begins with `prefix` in any letter case, in order; for `/who` and completion.
    package func names(beginning prefix: String = "", limit: Int = 1_000) -> [PeerIdentifier] {
        let folded = prefix.lowercased()
        return state.withLock { $0.table.names(beginning: folded, limit: limit) }
    }

    /// Lists, follows the changes, and begins again after every failure, until the task is cancelled.
    ///
    /// Says nothing of failures: ``Registration`` has warned.
    package func run() async {
        var (failures, relists) = (0, 0)
        while !Task.isCancelled {
            let end: ChangesEnd?
            do throws(ChatError) {
                end = try await follow()
            } catch {
                end = nil
            }
            let wasCurrent = state.withLock { state in
                defer { state.isCurrent = false }
                return state.isCurrent
            }
            if wasCurrent { (failures, relists) = (0, 0) }
            switch end {
            case .gone:
                // A registry that says so again and again is asked ever more slowly, as one that is away.
                state.withLock { $0.table.forgetRevision() }
                relists += 1
                if relists > 1 { await wait(after: relists) }
            case .refused:
                await sleep(.seconds(configuration.refusedSeconds))
            case .cut, nil:
                failures += 1
                await wait(after: failures)
            }
        }
    }

    /// Follows the changes until they end; lists first if too much is unknown.
    private func follow() async throws(ChatError) -> ChangesEnd {
        let known = state.withLock { $0.table.revision }
        return try await client.watch(since: known) { (revision) throws(ChatError) in
            // The stream is open already, so that no change falls between it and the list.
            if known == nil { try await self.list(at: revision) }
            self.state.withLock { $0.isCurrent = true }
        } receive: { change in
            let hasJoined = self.state.withLock { $0.table.apply(change) }
            if hasJoined { self.onJoin(change.identifier) }
        }
    }

    /// Reads the whole list; a registry that lists nobody (`--public`) leaves those who come from now on.
    private func list(at revision: UInt64) async throws(ChatError) {
        var peers: [PeerIdentifier] = []
        var last: PeerIdentifier?
        repeat {
            guard let page = try await client.page(after: last) else { break }
            peers += page.peers
            // A page that does not lead on would be asked for for ever.
            if let next = page.next, next.folded > last?.folded ?? "" { last = next } else { last = nil }
        } while last != nil && peers.count < configuration.namesMax
        let joined = state.withLock { [peers] in $0.table.list(peers, at: revision) }
        for peer in joined { onJoin(peer) }
    }

    private func wait(after failures: Int) async {
        let bound = min(Double(configuration.retrySecondsMax), 0.25 * Double(1 << min(failures, 16)))
        await sleep(.nanoseconds(Int64(bound * (1 - min(max(random(), 0), 1) / 2) * 1_000_000_000)))
    }

    private func sleep(_ duration: Duration) async {
        // Cancellation ends the loop that called.
        try? await client.clock.sleep(for: duration)
    }
}
