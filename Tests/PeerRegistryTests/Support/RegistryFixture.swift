// A registry over a memory store with a clock that stands still until it is moved.

import HTTP
import PeerIdentity
import PeerRegistry
import Synchronization

/// One registry and what tests ask of it.
struct RegistryFixture {
    static let start = Timestamp(seconds: 1_800_000_000)

    let time: Mutable<Timestamp>
    let store: MemoryPeerStore
    let registry: Registry
    let responder: RegistryResponder

    /// - Parameters:
    ///   - eventsMax: Events that the store holds.
    ///   - hidesImage: Whether the store looks like one that has to be waited for.
    ///   - change: Changes the configuration.
    init(eventsMax: Int = 1_000, hidesImage: Bool = false, _ change: (inout RegistryConfiguration) -> Void = { _ in }) {
        var configuration = RegistryConfiguration()
        change(&configuration)
        let time = Mutable(RegistryFixture.start)
        self.time = time
        store = MemoryPeerStore(secret: [UInt8](repeating: 42, count: 32), eventsMax: eventsMax)
        registry = Registry(
            store: hidesImage ? DistantStore(store) : store,
            configuration: configuration,
            clock: ContinuousClock(),
            now: { time.value }
        )
        responder = RegistryResponder(registry)
    }

    func advance(seconds: Int64) {
        time.value = time.value.advanced(bySeconds: seconds)
    }

    // MARK: Identities and records

    /// Octets from `first` on.
    static func identity(_ first: UInt8 = 0) throws -> IdentityKey {
        try IdentityKey(rawRepresentation: (0..<32).map { first &+ $0 })
    }

    /// A record of suite 1.
    static func record(
        _ name: String = "Alice",
        by identity: IdentityKey,
        sequence: UInt64 = 1,
        url: String = "http://127.0.0.1:8081/",
        issuedAt: Int64 = start.seconds,
        lifetime: Int64 = 3_600,
        ttl: Int = 30,
        handover: String? = nil
    ) throws -> PeerRecord {
        PeerRecord(
            identifier: try PeerIdentifier(name),
            url: try PeerURL(url),
            key: identity.publicKey,
            sealingKeys: SealingKeySet(x25519: [9] + [UInt8](repeating: 7, count: 31), xWing: nil),
            sequence: sequence,
            issuedAt: issuedAt,
            expiresAt: issuedAt + lifetime,
            ttlSeconds: ttl,
            handover: handover
        )
    }

    // MARK: Requests

    func send(
        _ method: Method,
        _ target: String,
        _ fields: Fields = [:],
        body: [UInt8] = [],
        from remoteAddress: String? = nil
    ) async throws -> Answer {
        var request = Request(method: method, target: Array(target.utf8), fields: fields, body: Body(body))
        request.remoteAddress = remoteAddress
        let response = try await responder.respond(to: request)
        return Answer(
            status: response.status,
            fields: response.fields,
            body: try await response.body.collect(upTo: 1 << 22)
        )
    }

    func register(
        _ record: PeerRecord,
        by identity: IdentityKey,
        from remoteAddress: String? = nil
    ) async throws -> Answer {
        try await send(
            .put,
            "/peers/\(record.identifier.pathSegment)",
            ["Content-Type": "application/jwt"],
            body: try record.signed(by: identity).compact,
            from: remoteAddress
        )
    }

    func leave(_ name: String, sequence: UInt64, by identity: IdentityKey) async throws -> Answer {
        let identifier = try PeerIdentifier(name)
        let leave = PeerLeave(identifier: identifier, sequence: sequence, expiresAt: time.value.seconds + 60)
        return try await send(
            .delete,
            "/peers/\(identifier.pathSegment)",
            ["Authorization": "Peer \(try leave.signed(by: identity))"]
        )
    }

    func renew(_ name: String, sequence: UInt64 = 1, counter: UInt64, lease: String) async throws -> Answer {
        let identifier = try PeerIdentifier(name)
        let renewal = PeerRenewal.make(
            leaseKey: Base64URL.decode(lease.utf8) ?? [],
            identifier: identifier,
            sequence: sequence,
            counter: counter
        )
        return try await send(.put, "/peers/\(identifier.pathSegment)", ["Peer-Renew": renewal.fieldValue])
    }
}

/// A response whose body has been read.
struct Answer {
    let status: Int
    let fields: Fields
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    var lease: String { fields.text("Peer-Lease") ?? "" }
}

/// A value that a test changes while others read it.
final class Mutable<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) {
        state = Mutex(value)
    }

    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// A store that cannot answer at once, and that lets a test act between reading and changing.
final class DistantStore: PeerStore {
    let memory: MemoryPeerStore
    let beforeChange = Mutable<(@Sendable (MemoryPeerStore) -> Void)?>(nil)

    init(_ memory: MemoryPeerStore) {
        self.memory = memory
    }

    func secret() async throws -> [UInt8] { try await memory.secret() }

    func entries(_ selection: PeerSelection) async throws -> [PeerEntry] { memory.entriesNow(selection) }

    func apply(_ changes: [PeerChange]) async throws -> [UInt64?] {
        beforeChange.value?(memory)
        return memory.applyNow(changes)
    }

    func events(since: UInt64, limit: Int) async throws -> PeerEventPage {
        memory.eventsNow(since: since, limit: limit)
    }

    func waitForEvents(after revision: UInt64) async throws -> UInt64 {
        try await memory.waitForEvents(after: revision)
    }
}
