// Buckets, tables and what the listener remembers of whom.

import HTTP
import PeerIdentity
import Testing

@testable import Chat

@Suite struct ListenerBudgetTests {
    private let address = AddressBlock(remoteAddress: "192.0.2.1:1")
    private let key = IdentityKey().publicKey

    private func after(milliseconds: Int64) -> Timestamp {
        Timestamp.start.advanced(byNanoseconds: milliseconds * 1_000_000)
    }

    private func rates(_ change: (inout ListenerRates) -> Void = { _ in }) -> ListenerRates {
        var rates = ListenerRates()
        change(&rates)
        return rates
    }

    @Test func `a bucket gives its burst, then its rate`() {
        var buckets = TokenBuckets<Int>(.init(perSecond: 10, burst: 3), entriesMax: 10)
        for _ in 0..<3 { #expect(buckets.take(1, of: 1, at: .start) == nil) }
        #expect(buckets.take(1, of: 1, at: .start) == 1)
        #expect(buckets.take(1, of: 2, at: .start) == nil)
        #expect(buckets.take(1, of: 1, at: after(milliseconds: 99)) == 1)
        #expect(buckets.take(1, of: 1, at: after(milliseconds: 101)) == nil)
        #expect(buckets.shortage(of: 3, for: 1, at: after(milliseconds: 101)) == 1)
        #expect(buckets.shortage(of: 3, for: 1, at: after(milliseconds: 500)) == nil)
        // More than a bucket ever holds is taken when it is full.
        #expect(buckets.take(9, of: 1, at: after(milliseconds: 500)) == nil)
        #expect(buckets.take(1, of: 1, at: after(milliseconds: 500)) == 1)
    }

    @Test func `a clock set back gives nothing for free, and no time is beyond counting`() {
        var buckets = TokenBuckets<Int>(.init(perSecond: 0.000_001, burst: 1), entriesMax: 10)
        #expect(buckets.take(1, of: 1, at: .latest) == nil)
        #expect(buckets.take(1, of: 1, at: .earliest) == 3600)
    }

    @Test func `a table holds what was used lately and no more than its limit`() {
        var table = RecentTable<Int, Int>(entriesMax: 8)
        for number in 0..<1000 {
            table[number] = number
            let found = (table[-1], table[0])
            #expect(found.0 == nil && found.1 == 0)
            #expect(table.count <= 8)
        }
        let old = table[500]
        table[0] = nil
        let removed = table[0]
        #expect(old == nil && removed == nil)
    }

    @Test func `strangers of one address share a budget`() {
        var budget = ListenerBudget(rates: rates { $0.strangerBodiesPerSecond = 2 })
        let lanes = (0..<6).map { budget.lane(connection: $0, address: address) }
        #expect(Set(lanes).count == 1)
        #expect(lanes.map { budget.beforeOpening($0, at: .start) }.filter { $0 == .allowed }.count == 4)
        let other = budget.lane(connection: 1, address: AddressBlock(remoteAddress: "192.0.2.2:1"))
        #expect(budget.beforeOpening(other, at: .start) == .allowed)
    }

    @Test func `a connection that delivered a verified body has its key's lane until one fails`() {
        var budget = ListenerBudget(rates: rates())
        #expect(budget.verified(key, messages: 1, hash: 1, connection: 5, at: .start) == .allowed)
        #expect(budget.lane(connection: 5, address: address).member == .peer(key))
        #expect(budget.lane(connection: 6, address: address).member == .strangers)
        #expect(budget.lane(connection: nil, address: address).member == .strangers)
        budget.failed(connection: 5)
        #expect(budget.lane(connection: 5, address: address).member == .strangers)
    }

    @Test func `a key is charged for its messages, and what it has not is refused before opening`() {
        var budget = ListenerBudget(rates: rates { $0.keyUnitsPerSecond = 16 })
        #expect(budget.verified(key, messages: 64, hash: 1, connection: 5, at: .start) == .allowed)
        let lane = budget.lane(connection: 5, address: address)
        #expect(budget.beforeOpening(lane, at: .start) == .refused(retryAfter: 1))
        #expect(budget.verified(key, messages: 64, hash: 2, connection: 6, at: .start) == .refused(retryAfter: 2))
        #expect(budget.beforeOpening(lane, at: after(milliseconds: 300)) == .allowed)
    }

    @Test func `a replay over another connection charges nobody's key and wins no lane`() {
        var budget = ListenerBudget(rates: rates { $0.keyUnitsPerSecond = 4 })
        #expect(budget.verified(key, messages: 1, hash: 1, connection: 5, at: .start) == .allowed)
        for _ in 0..<100 {
            #expect(budget.verified(key, messages: 1, hash: 1, connection: 6, at: .start) == .allowed)
        }
        #expect(budget.lane(connection: 6, address: address).member == .strangers)
        #expect(budget.verified(key, messages: 1, hash: 2, connection: 5, at: .start) == .allowed)
        // Its own repetitions it pays for.
        #expect(budget.verified(key, messages: 1, hash: 2, connection: 5, at: .start) == .refused(retryAfter: 1))
    }

    @Test func `so many bodies of a key are worked on, and no more`() {
        var budget = ListenerBudget(rates: rates { $0.bodiesPerKeyMax = 2 })
        #expect(budget.begins(key) == .allowed)
        #expect(budget.begins(key) == .allowed)
        #expect(budget.begins(key) == .refused(retryAfter: 1))
        #expect(budget.begins(IdentityKey().publicKey) == .allowed)
        budget.finished(key)
        #expect(budget.begins(key) == .allowed)
    }

    @Test(arguments: [
        ("192.0.2.1:1", "192.0.2.1:65535", true), ("192.0.2.1:1", "192.0.2.2:1", false),
        ("[2001:db8:1:2:3::4]:1", "[2001:db8:1:2::]:9", true), ("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", false),
        ("[::ffff:192.0.2.1]:1", "192.0.2.1:7", true), ("[::ffff:c000:201]:1", "192.0.2.1:7", true),
        ("[::1]:1", "0.0.0.0:1", false), ("[fe80::1%eth0]:1", "[fe80::2]:1", true),
        ("[1:2:3:4:5:6:7:8]:1", "[1:2:3:4::]:1", true),
    ]) func `an address is told by IPv4, or by the half of IPv6`(_ one: String, _ other: String, _ isSame: Bool) {
        let blocks = [one, other].map { AddressBlock(remoteAddress: $0) }
        #expect(!blocks.contains(.unknown))
        #expect((blocks[0] == blocks[1]) == isSame)
    }

    @Test(arguments: [
        "", "x", "1.2.3:1", "1.2.3.4", "1.2.3.256:1", "1.2.3.4.5:1", "+1.2.3.4:1", "[::1::]:1", "[1:2]:1",
        "[12345::]:1", "[+1::]:1", "[1:2:3:4:5:6:7:8:9]:1", "[1:2:3:4:5:6:7::8]:1", "[:::]:1", "[1.2.3.4::]:1",
    ]) func `what is no address is unknown`(_ text: String) {
        #expect(AddressBlock(remoteAddress: text) == .unknown)
        #expect(AddressBlock(remoteAddress: nil) == .unknown)
    }

    @Test(arguments: [
        ("", true), ("alice.example", true), ("ALICE.example:8081", true), ("localhost:1", true), ("127.0.0.1", true),
        ("192.168.1.7:8081", true), ("[::1]:8081", true), ("[::1]", true), ("evil.example", false),
        ("alice.example.evil.example", false), ("127.0.0.1.evil.example", false), ("::1", false),
        ("[127.0.0.1]", false),
        ("[::1].evil.example", false), ("[evil.example]", false), ("localhost.evil.example", false),
        ("1.2.3.4.5", false),
    ]) func `only our names, and addresses as such, mean us`(_ authority: String, _ isOurs: Bool) {
        #expect(OwnHosts(["alice.example:8081"]).contain(authority: authority) == isOurs)
    }
}
