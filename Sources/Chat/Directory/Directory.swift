// Knows where peers are and whom names belong to: from the registry, and from what was seen before.

package import HTTP
package import PeerIdentity
import Synchronization

/// Look-ups, remembered answers and pins of one registry.
///
/// A record is asked for once and then used for its lifetime; a name keeps the key that it was first confirmed with.
/// The rules are ``PinRules`` and ``DirectoryTable``; this type asks, stores and tells.
package final class Directory: Destinations {
    let client: RegistryClient
    let configuration: DirectoryConfiguration
    let now: @Sendable () -> Timestamp
    let table: SharedTable
    let senders: Mutex<SenderLimits>
    private let keeper: PinKeeper
    private let flights: LookUpFlights
    private let onEvent: @Sendable (ChatEvent) -> Void

    /// The table under its lock, shared with the keeper of pins.
    final class SharedTable: Sendable {
        let state: Mutex<DirectoryTable>

        init(_ table: DirectoryTable) { state = Mutex(table) }
    }

    /// A directory that begins with what `store` has kept of the registry.
    ///
    /// - Parameters:
    ///   - client: Asks the registry.
    ///   - store: Keeps the pins.
    ///   - configuration: Limits.
    ///   - now: The wall clock.
    ///   - onEvent: Told of key changes and handovers; must not block.
    /// - Throws: ``ChatError`` with `storeFailed`.
    package init(
        client: RegistryClient,
        store: any ChatStore,
        configuration: DirectoryConfiguration = DirectoryConfiguration(),
        now: @escaping @Sendable () -> Timestamp,
        onEvent: @escaping @Sendable (ChatEvent) -> Void
    ) async throws(ChatError) {
        let pins: [Pin]
        do {
            pins = try await store.pins(of: client.base.text, changing: [])
        } catch {
            throw ChatError(.storeFailed, "cannot read what is known of peers: \(error)")
        }
        let table = SharedTable(DirectoryTable(configuration: configuration, pins: pins))
        (self.client, self.configuration, self.now, self.table) = (client, configuration, now, table)
        self.onEvent = onEvent
        keeper = PinKeeper(store: store, registry: client.base.text) { names in
            table.state.withLock { state in names.compactMap { state.pins[$0] } }
        }
        flights = LookUpFlights(waitersMax: configuration.waitersMax)
        senders = Mutex(SenderLimits(configuration: configuration, at: now()))
    }

    // MARK: Destinations

    package func destination(of peer: PeerIdentifier, refreshing: Bool) async throws(ChatError) -> Destination {
        var isAsking = refreshing
        while true {
            if !isAsking, let result = table.state.withLock({ [now] in $0.current(peer, at: now()) }) {
                try await settle(peer.folded)
                return try result.get()
            }
            switch await flights.enter(peer.folded) {
            case .landed: isAsking = false
            case .full: throw client.away("too many wait for what it knows of \(peer)")
            case .abandoned: guard !Task.isCancelled else { throw client.away("the look-up was given up") }
            case .lead:
                // Whoever led before may have landed since we looked.
                let isKnown = table.state.withLock { [now] in $0.current(peer, at: now()) != nil }
                guard isAsking || !isKnown else {
                    flights.leave(peer.folded, hasLanded: true)
                    continue
                }
                let hasLanded = await lookUp(peer)
                flights.leave(peer.folded, hasLanded: hasLanded)
                isAsking = !hasLanded
                guard hasLanded || !Task.isCancelled else { throw client.away("the look-up was given up") }
            }
        }
    }

    package func learn(_ record: [UInt8], of peer: PeerIdentifier) async throws(ChatError) -> Destination {
        let signed = try client.record(record, of: peer)
        let effects = table.state.withLock { [now] in $0.learn(signed, of: peer, at: now()) }
        guard let effects else {
            throw ChatError(.badAnswer, "what \(peer)'s listener gives as its record is not newer or not of its key")
        }
        try await perform(effects)
        return try await destination(of: peer, refreshing: false)
    }

    /// Asks the registry about `peer`; returns false if the task was cancelled meanwhile, which says nothing.
    private func lookUp(_ peer: PeerIdentifier) async -> Bool {
        var found: DirectoryTable.Found
        do throws(ChatError) {
            let answer = try await client.lookUp(peer)
            if let entry = answer.entry {
                found = .entry(entry, maxAgeSeconds: answer.maxAgeSeconds)
            } else {
                // Its own words may name those that are spelt much like it.
                let words = answer.remark.isEmpty ? "no peer \(peer) is present" : answer.remark
                found = .failure(ChatError(.unknownPeer, "the registry says: \(words)"))
            }
        } catch {
            guard !Task.isCancelled else { return false }
            found = .failure(error)
        }
        let effects = table.state.withLock { [now] in $0.land(found, for: peer, at: now()) }
        do throws(ChatError) {
            try await perform(effects)
        } catch {
            // The pin stays due, so the caller's own ``settle(_:)`` writes it again and says what failed.
        }
        return true
    }

    // MARK: Effects

    /// Tells and stores what a change of the table demands.
    func perform(_ effects: DirectoryTable.Effects) async throws(ChatError) {
        if let event = effects.event { onEvent(event) }
        if let name = effects.changedPin { try await keeper.save(name) }
    }

    /// Stores the pin of `name` if that is still to be done: nothing is sent to a key that a restart would forget.
    func settle(_ name: String) async throws(ChatError) {
        if keeper.isDue(name) { try await keeper.save(name) }
    }
}
