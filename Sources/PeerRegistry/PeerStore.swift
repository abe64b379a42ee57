// The seam to whatever keeps the registry's state.

package import HTTP
package import PeerIdentity

/// What the registry holds about one name, present or merely held.
package struct PeerEntry: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        /// What a key signed.
        case signed(SignedPeerRecord)
        /// Only with `--open`: a URL without a key, as the original protocol has it.
        case plain(PeerIdentifier, PeerURL)
    }

    package var content: Content
    /// Until when the peer is present; in the past once it left or its lease ran out.
    package var presentUntil: Timestamp
    /// Whether watchers were told of a join and not yet of a leave or expiry.
    package var isPresent: Bool
    /// When this key began to hold the name without a break.
    package var heldSince: Timestamp
    /// Until when the name stays its key's after the lease: as long as it has been leased, 10 min to the name hold.
    package var heldUntil: Timestamp
    /// The highest `n` of a `Peer-Renew` so far; above all of them once the peer left.
    package var renewals: UInt64
    /// The revision of the last change of this entry; given by the store.
    package var revision: UInt64

    package init(
        content: Content,
        presentUntil: Timestamp,
        isPresent: Bool,
        heldSince: Timestamp,
        heldUntil: Timestamp,
        renewals: UInt64 = 0,
        revision: UInt64 = 0
    ) {
        (self.content, self.presentUntil, self.isPresent) = (content, presentUntil, isPresent)
        (self.heldSince, self.heldUntil) = (heldSince, heldUntil)
        (self.renewals, self.revision) = (renewals, revision)
    }

    package var identifier: PeerIdentifier {
        switch content {
        case .signed(let signed): signed.record.identifier
        case .plain(let identifier, _): identifier
        }
    }

    package var url: PeerURL {
        switch content {
        case .signed(let signed): signed.record.url
        case .plain(_, let url): url
        }
    }
}

/// What watchers of `/changes` are told.
package struct PeerEvent: Sendable, Hashable {
    package enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        case join = 1
        case renew
        case leave
        case expire
    }

    /// Consecutive over all changes of a store, from 1.
    package var revision: UInt64
    package var kind: Kind
    package var identifier: PeerIdentifier
    /// Present at the end of this change: until when.
    package var presentUntil: Timestamp

    package init(revision: UInt64, kind: Kind, identifier: PeerIdentifier, presentUntil: Timestamp) {
        (self.revision, self.kind, self.identifier) = (revision, kind, identifier)
        self.presentUntil = presentUntil
    }
}

/// One change, which a store makes whole or not at all.
package struct PeerChange: Sendable, Hashable {
    /// What is to be held from now on; nil: the name is free.
    package var entry: PeerEntry?
    /// The name, folded.
    package var name: String
    /// The entry's revision on which the decision stands; 0: there was none.
    package var expected: UInt64
    /// Told to watchers; nil: nobody is told (a name that is free again).
    package var kind: PeerEvent.Kind?
    /// Whether it must survive the death of the process before it is acknowledged; a mere sign of life need not.
    package var isDurable: Bool

    package init(
        entry: PeerEntry?,
        name: String,
        expected: UInt64,
        kind: PeerEvent.Kind?,
        isDurable: Bool = true
    ) {
        (self.entry, self.name, self.expected, self.kind) = (entry, name, expected, kind)
        self.isDurable = isDurable
    }
}

/// Which entries are wanted.
package enum PeerSelection: Sendable, Hashable {
    /// These folded names, present or held.
    case names([String])
    /// Present ones in order of folded name after this one, at most so many.
    case presentAfter(String?, limit: Int)
    /// Those whose time ran out before: present ones past ``PeerEntry/presentUntil`` (and not yet told), held ones past
    /// ``PeerEntry/heldUntil``; at most so many.
    case due(before: Timestamp, limit: Int)
}

/// An answer to ``PeerStore/events(since:limit:)``.
package enum PeerEventPage: Sendable, Hashable {
    /// In order, without a gap; empty if there are none yet.
    case events([PeerEvent])
    /// The one asked for is no longer held; the oldest that is.
    case gone(oldest: UInt64)
}

/// Where the registry's state is kept: memory, SQLite, Redis.
///
/// All pass one conformance suite.
package protocol PeerStore: Sendable {
    /// 32 octets, made at random when the store was made, and kept: from it lease keys are derived.
    func secret() async throws -> [UInt8]

    /// The entries selected, in order of the names asked for or of folded name; those that are not there are left out.
    func entries(_ selection: PeerSelection) async throws -> [PeerEntry]

    /// Makes each change whose expectation still holds, and says which were made: the new revision, or nil for a
    /// conflict. Durable ones have survived when this returns.
    func apply(_ changes: [PeerChange]) async throws -> [UInt64?]

    /// Events after revision `since`, at most so many.
    func events(since: UInt64, limit: Int) async throws -> PeerEventPage

    /// Returns when there is an event after `revision`, or on cancellation; its value is the newest revision.
    func waitForEvents(after revision: UInt64) async throws -> UInt64

    /// What can be done without waiting, for the express lane; the default is nil: nothing.
    var image: PeerImage? { get }
}

extension PeerStore {
    package var image: PeerImage? { nil }
}

/// A store that is kept in this process's memory too.
package struct PeerImage: Sendable {
    /// All that the store holds, with every acknowledged change: to be read, never to be changed.
    package let memory: MemoryPeerStore
    private let renewal: @Sendable (PackedEntry, PeerIdentifier, UInt64) -> Bool?

    /// - Parameters:
    ///   - memory: What the store holds.
    ///   - renewal: What ``renew(_:of:expected:)`` does.
    package init(
        of memory: MemoryPeerStore,
        renewal: @escaping @Sendable (PackedEntry, PeerIdentifier, UInt64) -> Bool?
    ) {
        (self.memory, self.renewal) = (memory, renewal)
    }

    /// Makes a change that need not be durable.
    ///
    /// - Parameters:
    ///   - entry: What is to be held, with a later lease.
    ///   - identifier: Whose it is.
    ///   - expected: The entry's revision on which the decision stands.
    /// - Returns: Whether it was made: false for a conflict; nil: not now, take the long way.
    package func renew(_ entry: PackedEntry, of identifier: PeerIdentifier, expected: UInt64) -> Bool? {
        renewal(entry, identifier, expected)
    }
}
