// Tests of budgets and of who shares one.

import HTTP
import Testing

@testable import PeerRegistry

struct BudgetTests {
    private let now = RegistryFixture.start

    @Test func `a burst is granted, then one in each interval`() {
        var table = BudgetTable<Int>(partiesMax: 10)
        let budget = Budget(perSecond: 2, burst: 3)
        for _ in 0..<3 { #expect(table.take(for: 1, of: budget, now: now) == nil) }
        #expect(table.take(for: 1, of: budget, now: now) == 1)
        #expect(table.take(for: 2, of: budget, now: now) == nil)
        #expect(table.take(for: 1, of: budget, now: now.advanced(byNanoseconds: 499_999_999)) == 1)
        #expect(table.take(for: 1, of: budget, now: now.advanced(byNanoseconds: 500_000_000)) == nil)
        #expect(table.take(for: 1, of: budget, now: now.advanced(byNanoseconds: 500_000_001)) == 1)
    }

    @Test func `parties beyond the limit share one budget until others are at rest`() {
        var table = BudgetTable<Int>(partiesMax: 2)
        let budget = Budget(perSecond: 1, burst: 1)
        #expect(table.take(for: 1, of: budget, now: now) == nil)
        #expect(table.take(for: 2, of: budget, now: now) == nil)
        #expect(table.take(for: 3, of: budget, now: now) == nil)
        #expect(table.take(for: 4, of: budget, now: now) == 1)
        let later = now.advanced(bySeconds: 1)
        #expect(table.take(for: 4, of: budget, now: later) == nil)
        #expect(table.take(for: 5, of: budget, now: later) == nil)
    }

    @Test(arguments: [
        ("192.0.2.1:80", "192.0.2.1:81", true), ("192.0.2.1:80", "192.0.2.2:80", false),
        ("[2001:db8::1]:80", "[2001:db8::2]:80", true), ("2001:db8::1:80", "[2001:db8::ffff]:1", true),
        ("[2001:db8::1]:80", "[2001:db8:0:1::1]:80", false), ("[::ffff:192.0.2.1]:80", "192.0.2.1:80", true),
        ("[::1]:80", "127.0.0.1:80", false), ("nonsense", "more", true),
    ])
    func `an IPv4 address and an IPv6 network of 64 bits are one party`(_ one: String, _ other: String, isSame: Bool) {
        #expect((ClientGroup(remoteAddress: one) == ClientGroup(remoteAddress: other)) == isSame)
    }

    @Test(arguments: [
        ("127.0.0.1:80", true), ("[::1]:80", true), ("[::ffff:127.0.0.1]:80", true), ("192.0.2.1:80", false),
        ("", false), ("localhost:80", false),
    ])
    func `only loopback is loopback`(_ address: String, isLoopback: Bool) {
        #expect(ClientGroup(remoteAddress: address).isLoopback == isLoopback)
    }
}
