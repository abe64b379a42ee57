// The whole registry against a naive one that keeps lists: rules, store and sweeps, over seeded histories.

import HTTP
import PeerIdentity
import TestSupport
import Testing

@testable import PeerRegistry

/// What a naive registry remembers of a name.
private struct Held {
    /// Nil: a plain peer.
    var key: Int?
    var sequence: UInt64 = 0
    var compact: [UInt8] = []
    var ttl: Int64 = 0
    var lease = ""
    var counter: UInt64 = 0
    var hasLeft = false
    /// When it was present, in seconds; the last one may still run.
    var periods: [(start: Int64, end: Int64)] = []

    var end: Int64 { periods.last?.end ?? 0 }

    func isPresent(_ now: Int64) -> Bool { end > now }

    /// Until when nobody else may have the name.
    var holdEnd: Int64 {
        guard key != nil else { return end }
        return end + min(max(periods.reduce(0) { $0 + $1.end - $1.start }, 600), 5_000)
    }

    mutating func be(presentUntil end: Int64, _ now: Int64) {
        if isPresent(now) { periods[periods.count - 1].end = end } else { periods.append((now, end)) }
    }
}

@Suite(.timeLimit(.minutes(5))) struct RegistryModelTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func `a history has the same end in a naive registry`(
        _ seed: UInt64
    ) async throws {
        var run = try Run(seed: seed)
        for step in 0..<400 { try await run.step(step) }
        // However it went, in the end nothing is left.
        run.fixture.advance(seconds: 40_000)
        for _ in 0..<2 { try await run.fixture.registry.sweep() }
        #expect(run.fixture.store.count == 0, "seed \(seed)")
    }
}

/// One history.
private struct Run {
    let fixture = RegistryFixture {
        $0.isOpen = true
        $0.nameHoldSeconds = 5_000
    }
    let keys: [IdentityKey]
    var random: SeededGenerator
    var model: [String: Held] = [:]

    init(seed: UInt64) throws {
        keys = try [0, 50, 100].map { try RegistryFixture.identity($0) }
        random = SeededGenerator(seed: seed)
    }

    private var now: Int64 { fixture.time.value.seconds }

    mutating func step(_ step: Int) async throws {
        let name = ["a", "b", "c", "d"].randomElement(using: &random) ?? "a"
        // Names that nobody holds any more are nobody's, swept or not.
        if let held = model[name], held.holdEnd <= now, !held.isPresent(now) { model[name] = nil }
        let (status, expected): (Int, Int)
        let what: String
        switch Int.random(in: 0..<10, using: &random) {
        case 0...2: (what, status, expected) = try await register(name)
        case 3: (what, status, expected) = try await repeated(name)
        case 4, 5: (what, status, expected) = try await renew(name)
        case 6: (what, status, expected) = try await leave(name)
        case 7: (what, status, expected) = try await plain(name)
        case 8:
            fixture.advance(seconds: [1, 10, 30, 700, 3_000].randomElement(using: &random) ?? 1)
            (what, status, expected) = ("time", 0, 0)
        default:
            try await fixture.registry.sweep()
            (what, status, expected) = ("sweep", 0, 0)
        }
        #expect(status == expected, "seed \(random.seed), step \(step): \(what) of \(name)")
        for name in ["a", "b", "c", "d"] {
            let found = try await fixture.send(.get, "/peers/\(name)").status
            let isPresent = model[name]?.isPresent(now) ?? false
            #expect(found == (isPresent ? 200 : 404), "seed \(random.seed), step \(step): \(what), look-up of \(name)")
        }
    }

    private mutating func register(_ name: String) async throws -> (String, Int, Int) {
        let key = Int.random(in: 0..<keys.count, using: &random)
        let old = model[name]
        let sequence = max(1, (old?.sequence ?? 5) + UInt64.random(in: 0..<4, using: &random)) - 1
        let ttl = [2, 30, 600].randomElement(using: &random) ?? 30
        let record = try RegistryFixture.record(
            name,
            by: keys[key],
            sequence: sequence,
            url: "http://127.0.0.1:\(Int.random(in: 1..<60_000, using: &random))/",
            issuedAt: now,
            lifetime: 80_000,
            ttl: ttl
        ).signed(by: keys[key])
        let answer = try await fixture.register(record.record, by: keys[key])
        if let owner = old?.key, owner != key || sequence <= old?.sequence ?? 0 {
            return ("record", answer.status, 409)
        }
        let isRenewal = old?.key == key && old?.isPresent(now) == true
        var held = old?.key == key ? old ?? Held() : Held()
        held.be(presentUntil: now + Int64(ttl), now)
        (held.key, held.sequence, held.compact, held.ttl) = (key, sequence, record.compact, Int64(ttl))
        (held.lease, held.counter, held.hasLeft) = (answer.lease, 0, false)
        model[name] = held
        return ("record", answer.status, isRenewal ? 200 : 201)
    }

    /// The record that is held, once more.
    private mutating func repeated(_ name: String) async throws -> (String, Int, Int) {
        guard var held = model[name], held.key != nil else { return ("nothing", 0, 0) }
        let jwt: Fields = ["Content-Type": "application/jwt"]
        let answer = try await fixture.send(.put, "/peers/\(name)", jwt, body: held.compact)
        if held.hasLeft { return ("repeated record", answer.status, 409) }
        let isPresent = held.isPresent(now)
        held.be(presentUntil: now + held.ttl, now)
        model[name] = held
        return ("repeated record", answer.status, isPresent ? 200 : 201)
    }

    private mutating func renew(_ name: String) async throws -> (String, Int, Int) {
        guard var held = model[name], held.key != nil else { return ("nothing", 0, 0) }
        let counter = held.counter + UInt64.random(in: 0..<3, using: &random)
        let answer = try await fixture.renew(name, sequence: held.sequence, counter: counter, lease: held.lease)
        guard held.isPresent(now), counter > held.counter else { return ("renewal", answer.status, 401) }
        held.be(presentUntil: now + held.ttl, now)
        held.counter = counter
        model[name] = held
        return ("renewal", answer.status, 200)
    }

    private mutating func leave(_ name: String) async throws -> (String, Int, Int) {
        let key = Int.random(in: 0..<keys.count, using: &random)
        var held = model[name] ?? Held()
        let sequence = held.sequence + UInt64.random(in: 0..<2, using: &random)
        let answer = try await fixture.leave(name, sequence: sequence, by: keys[key])
        guard held.isPresent(now) else { return ("leave", answer.status, 404) }
        guard held.key == key else { return ("leave", answer.status, 401) }
        held.be(presentUntil: now, now)
        (held.sequence, held.hasLeft) = (max(held.sequence, sequence), true)
        model[name] = held
        return ("leave", answer.status, 204)
    }

    private mutating func plain(_ name: String) async throws -> (String, Int, Int) {
        let answer = try await fixture.send(.put, "/peers/\(name)", body: Array("http://127.0.0.1:1/".utf8))
        let held = model[name]
        guard held?.key == nil else { return ("plain", answer.status, 409) }
        model[name] = Held(key: nil, periods: [(now, now + 3_600)])
        return ("plain", answer.status, held == nil ? 201 : 200)
    }
}
