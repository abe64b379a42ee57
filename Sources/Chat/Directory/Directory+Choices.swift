// What a person decides about names: whom to trust, to block, to write to in plain.

package import PeerIdentity
import Synchronization

extension Directory {
    /// What is pinned of `peer`; nil if it was never seen with a key.
    package func pin(of peer: PeerIdentifier) -> Pin? {
        table.state.withLock { $0.pins[peer.folded] }
    }

    /// All pins, in order of folded name.
    package func pins() -> [Pin] {
        table.state.withLock { Array($0.pins.values) }.sorted { $0.identifier.folded < $1.identifier.folded }
    }

    /// The key that a name changed to without a handover, while that stops delivery; for the person to compare.
    package func announcedKey(of peer: PeerIdentifier) -> PeerKey? {
        table.state.withLock { $0.conflicts[peer.folded]?.record.key }
    }

    /// `/trust NAME`: from now on the name belongs to the key that was announced as changed.
    ///
    /// - Throws: ``ChatError``: `unknownPeer` if no change was announced, `storeFailed`.
    package func trust(_ peer: PeerIdentifier) async throws(ChatError) {
        let effects = table.state.withLock { [now] in $0.trust(peer, at: now()) }
        guard let effects else { throw ChatError(.unknownPeer, "\(peer) has shown no other key that could be trusted") }
        try await perform(effects)
    }

    /// `/block NAME`, and back: the name's key is not heard any more, nor any key that claimed the name meanwhile.
    ///
    /// The block of a key that no registry confirmed lasts until the client ends; a pinned key's is kept.
    ///
    /// - Throws: ``ChatError``: what a look-up throws if nothing is known of the name, `storeFailed`.
    package func setBlocked(_ isBlocked: Bool, _ peer: PeerIdentifier) async throws(ChatError) {
        let hasStranger = senders.withLock { $0.setBlocked(isBlocked, strangersNamed: peer.folded) }
        if pin(of: peer) == nil, !hasStranger { _ = try await destination(of: peer, refreshing: false) }
        let hasPin = try await change(peer) { $0.isBlocked = isBlocked }
        guard hasPin || hasStranger else {
            throw ChatError(.unknownPeer, "\(peer) has no key that could be blocked")
        }
    }

    /// The person compared the safety words, or takes that back.
    ///
    /// - Throws: ``ChatError``: what a look-up throws if nothing is known of the name, `storeFailed`.
    package func setVerified(_ isVerified: Bool, _ peer: PeerIdentifier) async throws(ChatError) {
        guard try await change(peer, { $0.isVerified = isVerified }) else {
            throw ChatError(.unknownPeer, "\(peer) has no key yet: write to it first")
        }
    }

    /// `/plain NAME`: permits plain text to a peer without a key, until the client ends.
    ///
    /// - Throws: ``ChatError`` with `plainOnly` if the name was ever seen with a key.
    package func allowPlain(_ peer: PeerIdentifier) throws(ChatError) {
        guard table.state.withLock({ $0.allowPlain(peer) }) else {
            throw ChatError(.plainOnly, "\(peer) was seen with a key: it is never written to in plain")
        }
    }

    /// A sign that what is remembered of `peer` may be old, such as its joining anew: the next look-up asks.
    package func forget(_ peer: PeerIdentifier) {
        table.state.withLock { $0.forget(peer) }
    }

    /// Keeps our own record, so that nobody else passes for us and `seq` never goes back.
    ///
    /// - Throws: ``ChatError`` with `storeFailed`.
    package func keepOwn(_ signed: SignedPeerRecord) async throws(ChatError) {
        try await perform(table.state.withLock { [now] in $0.setOwn(signed, at: now()) })
    }

    private func change(_ peer: PeerIdentifier, _ change: (inout Pin) -> Void) async throws(ChatError) -> Bool {
        guard table.state.withLock({ $0.changePin(peer.folded, change) }) else { return false }
        try await perform(DirectoryTable.Effects(changedPin: peer.folded))
        return true
    }
}
