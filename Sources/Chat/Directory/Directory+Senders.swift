// Confirms the names of those who write to us.

package import PeerIdentity
import Synchronization

extension Directory: SenderNames {
    package func name(of key: PeerKey, claimed: PeerIdentifier, record: [UInt8]?) async -> SenderName {
        if let known = known(key, claimed) {
            if let record { await renew(claimed, by: record) }
            return known
        }
        let isBlocked = isBlocked(key)
        // A key that is not heard anyway is not worth a question.
        guard !isBlocked else { return SenderName(name: claimed.text, isChecked: false, isBlocked: true) }
        // The pinned key may have handed the name over, and the body may carry its word for that.
        if let record { await renew(claimed, by: record) }
        if let known = known(key, claimed) { return known }
        let mayAsk = senders.withLock { [now] in $0.mayAsk(about: claimed.folded, of: key, at: now()) }
        if mayAsk { await ask(about: claimed) }
        if let known = known(key, claimed) {
            senders.withLock { $0.note(confirmed: claimed.folded, of: key) }
            return known
        }
        senders.withLock { [now] in
            $0.note(unconfirmed: claimed.folded, of: key, wasAsked: mayAsk, at: now())
        }
        return another(key) ?? SenderName(name: claimed.text, isChecked: false, isBlocked: false)
    }

    /// The claimed name, if it is pinned to `key`.
    private func known(_ key: PeerKey, _ claimed: PeerIdentifier) -> SenderName? {
        guard let pin = pin(of: claimed), pin.key == key else { return nil }
        return SenderName(name: pin.identifier.text, isChecked: true, isBlocked: isBlocked(key))
    }

    /// Another name that is pinned to `key`: what it is known by, if what it claims is not confirmed.
    private func another(_ key: PeerKey) -> SenderName? {
        let pin = table.state.withLock { table in table.names(of: key).min().flatMap { table.pins[$0] } }
        return pin.map { SenderName(name: $0.identifier.text, isChecked: true, isBlocked: $0.isBlocked) }
    }

    /// Whether any name of `key`, confirmed or claimed, is blocked.
    private func isBlocked(_ key: PeerKey) -> Bool {
        let isPinnedBlocked = table.state.withLock { table in
            table.names(of: key).contains { table.pins[$0]?.isBlocked == true }
        }
        return isPinnedBlocked || senders.withLock { $0.isBlocked(key) }
    }

    /// Takes the record that a sender sent along, if it says something new about a pinned name.
    private func renew(_ peer: PeerIdentifier, by octets: [UInt8]) async {
        guard let pin = pin(of: peer) else { return }
        // Compared first: the signature of a record that is already known is not worth a check.
        if let record = pin.record, record.compact.elementsEqual(octets) { return }
        // Nobody waits for this: a record that is no good is as none, and the registry's word remains.
        _ = try? await learn(octets, of: peer)
    }

    /// Asks the registry about a name that a stranger claims, within a bound of time.
    private func ask(about peer: PeerIdentifier) async {
        // Whatever went wrong, the name is unchecked.
        _ = try? await within(configuration.senderWait, client.clock) {
            try await self.destination(of: peer, refreshing: true)
        }
    }
}
