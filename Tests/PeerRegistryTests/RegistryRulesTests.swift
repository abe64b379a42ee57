// Tests of who may have a name and for how long: the pure rules.

import HTTP
import PeerIdentity
import Testing

@testable import PeerRegistry

struct RegistryRulesTests {
    private static let now = RegistryFixture.start
    private let rules = RegistryRules(configuration: RegistryConfiguration())

    private func signed(
        _ first: UInt8 = 0,
        sequence: UInt64 = 5,
        ttl: Int = 30,
        lifetime: Int64 = 3_600,
        url: String = "http://127.0.0.1:8081/",
        handover: String? = nil
    ) throws -> SignedPeerRecord {
        let identity = try RegistryFixture.identity(first)
        let record = try RegistryFixture.record(
            by: identity,
            sequence: sequence,
            url: url,
            lifetime: lifetime,
            ttl: ttl,
            handover: handover
        )
        // The rules do not look at signatures.
        return SignedPeerRecord(record: record, signature: [UInt8](repeating: first, count: 64))
    }

    private func held(_ signed: SignedPeerRecord, since: Int64 = 0, left: Bool = false) -> PeerEntry {
        let until = RegistryRulesTests.now.advanced(bySeconds: 20)
        return PeerEntry(
            content: .signed(signed),
            presentUntil: left ? RegistryRulesTests.now : until,
            isPresent: !left,
            heldSince: RegistryRulesTests.now.advanced(bySeconds: -since),
            heldUntil: until.advanced(bySeconds: 600),
            renewals: left ? RegistryRules.left : 3,
            revision: 17
        )
    }

    private func decide(_ demand: RegistryDemand, _ current: PeerEntry?, after seconds: Int64 = 0) -> RegistryVerdict {
        rules.decide(demand, current: current, now: RegistryRulesTests.now.advanced(bySeconds: seconds))
    }

    // MARK: Registering

    @Test func `a free name is new, and its signature is to be checked`() throws {
        let verdict = decide(.signed(try signed()), nil)
        #expect(verdict.status == 201 && verdict.needsSignature && verdict.isNewName && verdict.signer == nil)
        #expect(verdict.change?.expected == 0)
        #expect(verdict.change?.kind == .join)
        #expect(verdict.change?.entry?.presentUntil == RegistryRulesTests.now.advanced(bySeconds: 30))
    }

    @Test func `a lease never goes past exp`() throws {
        let verdict = decide(.signed(try signed(ttl: 3_600, lifetime: 10)), nil)
        #expect(verdict.change?.entry?.presentUntil == RegistryRulesTests.now.advanced(bySeconds: 10))
    }

    @Test(
        arguments: [
            (0, 600), (600 - 30, 600), (601 - 30, 601), (86_400, 86_430), (30 * 86_400, 30 * 86_400),
            (90 * 86_400, 30 * 86_400),
        ] as [(Int64, Int64)]
    )
    func `a name is held for as long as it was leased, ten minutes to the name hold`(
        since: Int64,
        hold: Int64
    ) throws {
        let verdict = decide(.signed(try signed(sequence: 6)), held(try signed(), since: since))
        let entry = try #require(verdict.change?.entry)
        #expect(entry.heldUntil.secondsSince(entry.presentUntil) == hold)
    }

    @Test func `time in which a name was not leased does not lengthen its hold`() throws {
        let verdict = decide(.signed(try signed(sequence: 6)), held(try signed(), since: 1_000), after: 320)
        let entry = try #require(verdict.change?.entry)
        #expect(verdict.status == 201 && verdict.change?.kind == .join)
        // 1,000 s and the 20 that were left, 300 s away, then 30 s again.
        #expect(entry.heldUntil.secondsSince(entry.presentUntil) == 1_050)
    }

    @Test(
        arguments: [(6, 200, ""), (5, 409, "another record"), (4, 409, "too low"), (0, 409, "seq 5")]
            as [(UInt64, Int, String)]
    )
    func `seq grows`(sequence: UInt64, status: Int, word: String) throws {
        let other = try signed(sequence: sequence, url: "http://127.0.0.1:9999/")
        let verdict = decide(.signed(other), held(try signed()))
        #expect(verdict.status == status)
        #expect(verdict.message.contains(word))
        #expect((verdict.change != nil) == (status == 200))
        #expect(!verdict.isNewName)
    }

    @Test func `the same octets again renew without a check, and n goes on growing`() throws {
        let verdict = decide(.signed(try signed()), held(try signed()), after: 5)
        #expect(verdict.status == 200 && !verdict.needsSignature)
        #expect(verdict.change?.kind == .renew)
        #expect(verdict.change?.isDurable == false)
        #expect(verdict.change?.entry?.renewals == 3)
        #expect(verdict.change?.entry?.presentUntil == RegistryRulesTests.now.advanced(bySeconds: 35))
    }

    @Test func `the same octets do not bring a peer back that left, a higher seq does`() throws {
        let current = held(try signed(), left: true)
        #expect(decide(.signed(try signed()), current).status == 409)
        let verdict = decide(.signed(try signed(sequence: 6)), current)
        #expect(verdict.status == 201)
        #expect(verdict.change?.entry?.renewals == 0)
    }

    @Test func `the same octets bring a peer back whose lease ran out`() throws {
        let verdict = decide(.signed(try signed()), held(try signed()), after: 21)
        #expect(verdict.status == 201 && verdict.change?.kind == .join)
        #expect(verdict.change?.isDurable == true)
    }

    @Test func `another key has the name only once the hold is over`() throws {
        let current = held(try signed())
        #expect(decide(.signed(try signed(9)), current).status == 409)
        #expect(decide(.signed(try signed(9)), current).message.contains("another key"))
        #expect(decide(.signed(try signed(9)), current, after: 619).status == 409)
        let verdict = decide(.signed(try signed(9, sequence: 1)), current, after: 620)
        #expect(verdict.status == 201 && verdict.isNewName)
        #expect(verdict.change?.entry?.heldSince == RegistryRulesTests.now.advanced(bySeconds: 620))
    }

    // MARK: Takeover

    private func handover(to first: UInt8, sequence: UInt64 = 5, of name: String = "Alice") throws -> String {
        try PeerHandover(
            identifier: try PeerIdentifier(name),
            sequence: sequence,
            newKey: RegistryFixture.identity(first).publicKey
        ).signed(by: RegistryFixture.identity(0))
    }

    @Test func `a name goes to the key that its key names, both signatures checked`() throws {
        let verdict = decide(.signed(try signed(9, sequence: 6, handover: handover(to: 9))), held(try signed()))
        #expect(verdict.status == 200 && verdict.needsSignature && !verdict.isNewName)
        let owner = try RegistryFixture.identity(0).publicKey
        #expect(verdict.signer == owner)
        #expect(verdict.change?.kind == .join)
    }

    @Test func `a handover to another key, of another name or of too low a seq is refused`() throws {
        let current = held(try signed())
        let refused = try [
            signed(9, sequence: 6, handover: handover(to: 10)),
            signed(9, sequence: 6, handover: handover(to: 9, of: "Bob")),
            signed(9, sequence: 6, handover: handover(to: 9, sequence: 4)),
            signed(9, sequence: 5, handover: handover(to: 9)),
            signed(9, sequence: 6, handover: "x"),
        ]
        for record in refused { #expect(decide(.signed(record), current).status == 409) }
    }

    // MARK: Plain

    private func plain(_ url: String = "http://127.0.0.1:9999/") throws -> RegistryDemand {
        .plain(try PeerIdentifier("Alice"), try PeerURL(url))
    }

    @Test func `a plain peer is never put over a keyed name that is held`() throws {
        let current = held(try signed())
        #expect(decide(try plain(), current).status == 409)
        #expect(decide(try plain(), held(try signed(), left: true), after: 619).status == 409)
        #expect(decide(try plain(), current, after: 620).status == 201)
    }

    @Test func `a plain peer is replaced by anyone, and by a key`() throws {
        let first = try #require(decide(try plain(), nil).change?.entry)
        #expect(first.presentUntil == RegistryRulesTests.now.advanced(bySeconds: 3_600))
        #expect(first.heldUntil == first.presentUntil)
        #expect(decide(try plain("http://127.0.0.1:1/"), first).status == 200)
        let verdict = decide(.signed(try signed()), first)
        #expect(verdict.status == 201 && verdict.change?.kind == .join)
    }

    // MARK: Renewing

    private func renewal(_ counter: UInt64, sequence: UInt64 = 5) -> RegistryDemand {
        .renewal(PeerRenewal(sequence: sequence, counter: counter, mac: []))
    }

    @Test(
        arguments: [(4, 200), (3, 401), (0, 401), (1 << 53, 200), ((1 << 53) + 1, 401), (.max, 401)] as [(UInt64, Int)]
    )
    func `n grows`(counter: UInt64, status: Int) throws {
        let verdict = decide(renewal(counter), held(try signed()), after: 1)
        #expect(verdict.status == status)
        guard status == 200 else { return }
        #expect(verdict.change?.entry?.renewals == counter)
        #expect(verdict.change?.isDurable == false)
        #expect(verdict.change?.entry?.presentUntil == RegistryRulesTests.now.advanced(bySeconds: 31))
    }

    @Test func `who is not there, or has another record, has nothing to renew`() throws {
        #expect(decide(renewal(9), nil).status == 401)
        #expect(decide(renewal(9, sequence: 6), held(try signed())).status == 401)
        #expect(decide(renewal(9), held(try signed(), left: true)).status == 401)
        #expect(decide(renewal(9), held(try signed()), after: 20).status == 401)
        #expect(decide(renewal(9), decide(try plain(), nil).change?.entry).status == 401)
    }

    @Test func `a renewal of a packed entry comes to the same`() throws {
        for counter in [0, 3, 4, 1 << 53, (1 << 53) + 1] as [UInt64] {
            for seconds in [0, 19, 20, 3_599] as [Int64] {
                let entry = held(try signed())
                let now = RegistryRulesTests.now.advanced(bySeconds: seconds)
                let renewal = PeerRenewal(sequence: 5, counter: counter, mac: [])
                let packed = rules.renewed(try #require(PackedEntry(entry)), by: renewal, now: now)
                #expect(packed?.entry == rules.decide(.renewal(renewal), current: entry, now: now).change?.entry)
            }
        }
    }

    // MARK: Leaving and expiring

    @Test(
        arguments: [
            ("Alice", 5, 60, 204), ("alice", 6, 1, 204), ("Alice", 4, 60, 401), ("Alice", 5, 0, 401),
            ("Bob", 5, 60, 401),
        ] as [(String, UInt64, Int64, Int)]
    )
    func `a leave is of the name, not older than the record and not expired`(
        name: String,
        sequence: UInt64,
        lifetime: Int64,
        status: Int
    ) throws {
        let leave = PeerLeave(
            identifier: try PeerIdentifier(name),
            sequence: sequence,
            expiresAt: RegistryRulesTests.now.seconds + lifetime
        )
        let verdict = decide(.leave(leave), held(try signed(), since: 5_000))
        #expect(verdict.status == status)
        guard status == 204 else { return }
        let owner = try RegistryFixture.identity(0).publicKey
        #expect(verdict.signer == owner)
        #expect(verdict.change?.kind == .leave)
        #expect(verdict.change?.entry?.isPresent == false)
        #expect(verdict.change?.entry?.presentUntil == RegistryRulesTests.now)
        #expect(verdict.change?.entry?.heldUntil == RegistryRulesTests.now.advanced(bySeconds: 5_000))
    }

    @Test func `who is not there cannot leave`() throws {
        let leave = PeerLeave(identifier: try PeerIdentifier("Alice"), sequence: 9, expiresAt: .max)
        #expect(decide(.leave(leave), nil).status == 404)
        #expect(decide(.leave(leave), held(try signed(), left: true)).status == 404)
        #expect(decide(.leave(leave), held(try signed()), after: 20).status == 404)
        #expect(decide(.plainLeave, nil).status == 404)
        #expect(decide(.plainLeave, held(try signed())).status == 401)
    }

    @Test func `a lease ends, then the hold, and nothing before its time`() throws {
        let present = held(try signed())
        #expect(decide(.passing, present, after: 19).change == nil)
        let expiry = try #require(decide(.passing, present, after: 20).change)
        #expect(expiry.kind == .expire)
        let gone = try #require(expiry.entry)
        #expect(!gone.isPresent && gone.presentUntil == present.presentUntil)
        #expect(decide(.passing, gone, after: 619).change == nil)
        let free = try #require(decide(.passing, gone, after: 620).change)
        #expect(free.entry == nil && free.kind == nil && free.expected == gone.revision)
        #expect(decide(.passing, nil).change == nil)
    }
}
