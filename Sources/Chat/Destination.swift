// Where a message to a peer goes, and to which keys it is sealed.

package import PeerIdentity

/// All that is needed to deliver to a peer now.
package struct Destination: Sendable, Hashable {
    package var identifier: PeerIdentifier
    package var url: PeerURL
    /// Nil: a plain peer, to which the person allowed to write.
    package var sealing: Sealing?

    /// The keys of a peer that takes sealed messages.
    package struct Sealing: Sendable, Hashable {
        package var key: PeerKey
        package var keys: SealingKeySet
        /// The best suite that the peer's key ever offered: never less.
        package var suiteMin: UInt8

        package init(key: PeerKey, keys: SealingKeySet, suiteMin: UInt8) {
            (self.key, self.keys, self.suiteMin) = (key, keys, suiteMin)
        }
    }

    package init(identifier: PeerIdentifier, url: PeerURL, sealing: Sealing?) {
        (self.identifier, self.url, self.sealing) = (identifier, url, sealing)
    }
}

/// Who knows where peers are: asked by those who deliver.
package protocol Destinations: Sendable {
    /// Where `peer` is, from what is remembered while that is current, else from the registry.
    ///
    /// - Parameters:
    ///   - peer: Whose.
    ///   - refreshing: After a failure: asks the registry even if what is remembered is current.
    /// - Returns: What is known now.
    /// - Throws: ``ChatError``: `unknownPeer`, `registryAway`, `keyChanged`, `plainOnly`, `badAnswer`.
    func destination(of peer: PeerIdentifier, refreshing: Bool) async throws(ChatError) -> Destination

    /// Takes the record with which a receiver answered that it does not know the sealing key (409): checked against
    /// the pin (same key, `seq` not lower) before it is used.
    func learn(_ record: [UInt8], of peer: PeerIdentifier) async throws(ChatError) -> Destination
}
