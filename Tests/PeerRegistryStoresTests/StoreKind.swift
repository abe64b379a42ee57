// The stores that the conformance suite runs over, and what it fills them with.

import Crypto
import HTTP
import PeerIdentity
import PeerRegistry
import PeerRegistryRedis
import PeerRegistrySQLite
import TestSupport
import Testing

/// Which store.
enum StoreKind: String, CaseIterable, Sendable {
    case memory
    case sqlite
    case redis

    /// Those that can be had here; a test of its own says so when Redis cannot.
    static var available: [StoreKind] { allCases.filter { $0 != .redis || RedisServer.isInstalled } }

    /// Gives an empty store to `body`.
    func withStore(
        eventsMax: Int = 10_000,
        _ body: (any PeerStore) async throws -> Void
    ) async throws {
        switch self {
        case .memory: try await body(MemoryPeerStore(secret: secretOctets(1), eventsMax: eventsMax))
        case .sqlite:
            let directory = try TemporaryDirectory()
            let store = try sqliteStore(directory.file("registry.sqlite"), eventsMax: eventsMax)
            try await body(store)
            try await store.close()
        case .redis:
            let server = try await RedisServer.start()
            let store = try await redisStore(server, eventsMax: eventsMax)
            try await body(store)
            await store.close()
            try await server.stop()
        }
    }
}

func sqliteStore(
    _ path: String,
    eventsMax: Int = 10_000,
    secret: UInt8 = 1,
    now: Int64 = 0,
    lazyDelay: Duration = .milliseconds(20)
) throws -> SQLitePeerStore {
    var configuration = SQLiteConfiguration()
    (configuration.eventsMax, configuration.lazyDelay) = (eventsMax, lazyDelay)
    return try SQLitePeerStore(
        path: path,
        configuration: configuration,
        newSecret: secretOctets(secret),
        now: Timestamp(seconds: now)
    )
}

func redisStore(
    _ server: RedisServer,
    eventsMax: Int = 10_000,
    secret: UInt8 = 1,
    _ change: (inout RedisConfiguration) -> Void = { _ in }
) async throws -> RedisPeerStore {
    var configuration = RedisConfiguration()
    configuration.eventsMax = eventsMax
    configuration.backOffMin = .milliseconds(5)
    configuration.backOffMax = .milliseconds(50)
    change(&configuration)
    return try await RedisPeerStore.open(
        RedisAddress("redis://127.0.0.1:\(server.port)"),
        configuration: configuration,
        newSecret: secretOctets(secret),
        jitter: { 0.5 }
    )
}

func secretOctets(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 32) }

/// A plain entry.
func plain(
    _ name: String,
    url: String = "http://192.0.2.1:9000/",
    until: Int64 = 100,
    isPresent: Bool = true,
    heldUntil: Int64 = 200
) throws -> PeerEntry {
    PeerEntry(
        content: .plain(try PeerIdentifier(name), try PeerURL(url)),
        presentUntil: Timestamp(seconds: until),
        isPresent: isPresent,
        heldSince: Timestamp(seconds: 1),
        heldUntil: Timestamp(seconds: heldUntil)
    )
}

/// A signed entry.
func signed(
    _ name: String,
    key: IdentityKey = IdentityKey(),
    sequence: UInt64 = 1,
    hasXWing: Bool = false,
    handover: String? = nil,
    until: Int64 = 100
) throws -> PeerEntry {
    let record = PeerRecord(
        identifier: try PeerIdentifier(name),
        url: try PeerURL("https://peer.example:8443/inbox/\(sequence)"),
        key: key.publicKey,
        sealingKeys: SealingKeySet(
            x25519: Array(Curve25519.KeyAgreement.PrivateKey().publicKey.rawRepresentation),
            xWing: hasXWing ? Array(try XWingMLKEM768X25519.PrivateKey.generate().publicKey.rawRepresentation) : nil
        ),
        sequence: sequence,
        issuedAt: 1_700_000_000,
        expiresAt: 1_700_003_600,
        ttlSeconds: 45,
        handover: handover
    )
    return PeerEntry(
        content: .signed(try record.signed(by: key)),
        presentUntil: Timestamp(nanoseconds: until * 1_000_000_000 + 123_456_789),
        isPresent: true,
        heldSince: Timestamp(nanoseconds: 5),
        heldUntil: Timestamp(nanoseconds: until * 1_000_000_000 + 600_000_000_001),
        renewals: 17
    )
}

extension PeerChange {
    /// A change of the entry's own name.
    init(_ entry: PeerEntry, _ expected: UInt64, _ kind: PeerEvent.Kind? = .join, isDurable: Bool = true) {
        self.init(
            entry: entry,
            name: entry.identifier.folded,
            expected: expected,
            kind: kind,
            isDurable: isDurable
        )
    }
}

extension PeerStore {
    /// Makes one change.
    func apply(_ change: PeerChange) async throws -> UInt64? {
        let revisions = try await apply([change])
        #expect(revisions.count == 1)
        return revisions.first ?? nil
    }

    /// The entry of one name.
    func entry(_ name: String) async throws -> PeerEntry? {
        try await entries(.names([name])).first
    }

    /// Events that must not be gone.
    func eventList(since: UInt64 = 0, limit: Int = 1_000_000) async throws -> [PeerEvent] {
        // Told once they are written; the test looks now.
        try await (self as? SQLitePeerStore)?.writeNow()
        var events: [PeerEvent] = []
        while events.count < limit {
            let page = try await self.events(since: events.last?.revision ?? since, limit: limit - events.count)
            guard case .events(let more) = page else {
                Issue.record("events after \(since) are gone: \(page)")
                break
            }
            if more.isEmpty { break }
            events += more
        }
        return events
    }
}

extension PeerEntry {
    /// This entry as it stands after the change with that revision.
    func at(_ revision: UInt64) -> PeerEntry {
        var entry = self
        entry.revision = revision
        return entry
    }
}

/// Compares what is compared by identity of names only elsewhere: every field.
func expectSame(_ left: PeerEntry?, _ right: PeerEntry?, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(left == right, sourceLocation: sourceLocation)
    #expect(left?.identifier.text == right?.identifier.text, sourceLocation: sourceLocation)
    #expect(left?.url.text == right?.url.text, sourceLocation: sourceLocation)
    guard case .signed(let one)? = left?.content, case .signed(let other)? = right?.content else { return }
    #expect(one.compact.elementsEqual(other.compact), sourceLocation: sourceLocation)
    #expect(one.record.handover == other.record.handover, sourceLocation: sourceLocation)
}
