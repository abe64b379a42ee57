// Who is present at a registry, as far as it says: a pure state machine.

package import PeerIdentity

/// What a registry tells on `/changes`.
package struct PresenceChange: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case join
        case renew
        case leave
        case expire
    }

    package var revision: UInt64
    package var kind: Kind
    package var identifier: PeerIdentifier

    package init(revision: UInt64, kind: Kind, identifier: PeerIdentifier) {
        (self.revision, self.kind, self.identifier) = (revision, kind, identifier)
    }
}

/// The present peers, and up to which revision they are known.
struct PresenceTable: Sendable {
    /// Nil: nothing is known, or too much was missed: the registry's list is wanted.
    private(set) var revision: UInt64?
    private var present: [String: PeerIdentifier] = [:]
    private let namesMax: Int

    init(namesMax: Int) {
        self.namesMax = namesMax
    }

    /// Takes a whole list, at `revision` or later; returns who is present that was not.
    ///
    /// Changes between the two are told once more, which does no harm: the last one of a name decides.
    mutating func list(_ peers: [PeerIdentifier], at revision: UInt64) -> [PeerIdentifier] {
        let before = present
        present = [:]
        for peer in peers.prefix(namesMax) { present[peer.folded] = peer }
        self.revision = revision
        return present.values.filter { before[$0.folded] == nil }.sorted { $0.folded < $1.folded }
    }

    /// Takes a change; returns whether the peer joined.
    ///
    /// One that is not newer than the last is left alone.
    mutating func apply(_ change: PresenceChange) -> Bool {
        guard change.revision > revision ?? 0 else { return false }
        revision = change.revision
        let name = change.identifier.folded
        switch change.kind {
        case .join:
            if present[name] != nil || present.count < namesMax { present[name] = change.identifier }
            // Also of one that was present: it began anew, at another address perhaps.
            return true
        case .renew:
            if present[name] == nil, present.count < namesMax { present[name] = change.identifier }
            return false
        case .leave, .expire:
            present[name] = nil
            return false
        }
    }

    /// The registry no longer holds the changes after ``revision``.
    mutating func forgetRevision() {
        revision = nil
    }

    func isPresent(_ peer: PeerIdentifier) -> Bool { present[peer.folded] != nil }

    /// Present peers whose folded name begins so, in order, at most so many.
    func names(beginning prefix: String, limit: Int) -> [PeerIdentifier] {
        Array(
            present.values.filter { $0.folded.hasPrefix(prefix) }.sorted { $0.folded < $1.folded }.prefix(limit)
        )
    }

    var count: Int { present.count }
}
