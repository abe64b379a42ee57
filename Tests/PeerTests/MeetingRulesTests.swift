// Whom a node tries of those that a registry names, and when again.

import PeerIdentity
import TestSupport
import Testing

@testable import peer

@Suite struct MeetingRulesTests {
    private static func names(_ count: Int) throws -> [PeerIdentifier] {
        try (0..<count).map { try PeerIdentifier("mesh.mesh.n\($0)") }
    }

    @Test func `as many are tried as links are wanted and there are, and none where there are enough`() throws {
        var generator = SeededGenerator(seed: 1)
        let names = try Self.names(9)
        for (present, links, expected) in [(9, 0, 4), (9, 3, 1), (9, 4, 0), (9, 7, 0), (2, 0, 2), (2, 1, 1), (0, 0, 0)]
        {
            var rules = MeetingRules(linksMax: 4)
            let chosen = rules.choose(from: Array(names.prefix(present)), links: links, at: 0, using: &generator)
            #expect(chosen.count == expected && Set(chosen).count == expected)
        }
        var none = MeetingRules(linksMax: 0)
        #expect(none.choose(from: names, links: 0, at: 100, using: &generator).isEmpty)
    }

    @Test func `who was tried is left alone, longer each time, and others are tried meanwhile`() throws {
        var generator = SeededGenerator(seed: 2)
        let names = try Self.names(2)
        var rules = MeetingRules(linksMax: 1)
        let first = rules.choose(from: names, links: 0, at: 0, using: &generator)
        let second = rules.choose(from: names, links: 0, at: 0, using: &generator)
        #expect(Set(first + second) == Set(names))
        var times: [Int64] = []
        for now in 0..<300 as Range<Int64>
        where !rules.choose(from: first, links: 0, at: now, using: &generator).isEmpty { times.append(now) }
        #expect(times == [2, 6, 14, 30, 62, 122, 182, 242])
        rules.forget(first[0])
        #expect(rules.choose(from: first, links: 0, at: 300, using: &generator) == first)
    }

    @Test func `with links enough one more is tried every minute, up to twice as many`() throws {
        var generator = SeededGenerator(seed: 3)
        let names = try Self.names(20)
        for (links, expected) in [(4, 5), (7, 5), (8, 0)] {
            var rules = MeetingRules(linksMax: 4)
            let counts = (0...300).map {
                rules.choose(from: names, links: links, at: Int64($0), using: &generator).count
            }
            #expect(counts.reduce(0, +) == expected && (counts.max() ?? 0) <= 1)
        }
    }

    @Test func `what is remembered of names that have gone is forgotten`() throws {
        var generator = SeededGenerator(seed: 4)
        let names = try Self.names(100)
        var rules = MeetingRules(linksMax: 100)
        #expect(rules.choose(from: names, links: 0, at: 0, using: &generator).count == 100)
        #expect(rules.choose(from: Array(names.prefix(10)), links: 0, at: 1, using: &generator).isEmpty)
        #expect(rules.trialCount == 10)
    }
}
