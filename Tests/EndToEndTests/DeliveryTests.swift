// Messages to peers that are away, and what becomes of them when processes are killed.

import Foundation
import TestSupport
import Testing

struct DeliveryTests {
    @Test func `messages to a peer that is away come once and in order when it is back`() async throws {
        let town = try await Town()
        let bob = try await town.client("Bob")
        let before = try await town.client("Alice")
        try bob.type(text: lines(1...50, to: "Alice"))
        try await before.shown(until: { $0.count == 50 })
        try await before.finish()
        try bob.type(text: lines(51...200, to: "Alice"))
        try await bob.said { $0.contains("waiting for Alice") }
        try await bob.isThrough()
        let after = try await town.client("Alice")
        #expect(try await bob.finish().status == 0)
        try await after.shown(until: { $0.count >= 150 })
        #expect(numbers(before.lines, from: "Bob").elementsEqual(1...50))
        #expect(numbers(after.lines, from: "Bob").elementsEqual(51...200), "\(after.lines)")
    }

    @Test func `a sender killed in the middle of 10,000 lines has lost none and sends none twice`() async throws {
        var wasInTheMiddle = false
        // All of them take a fraction of a second: on a busy machine the kill may come too late.
        for _ in 0..<5 where !wasInTheMiddle {
            let town = try await Town()
            let first = try await town.client("Bob")
            try first.type(text: lines(1...10_000, to: "Alice"))
            // All are kept once the line behind them was answered.
            try await first.isThrough()
            let alice = try await town.client("Alice")
            try await alice.shown(until: { lines in
                guard lines.count >= 500 else { return false }
                // From here, at once.
                kill(first.processID, SIGKILL)
                return true
            })
            try await first.stop(by: SIGKILL)
            wasInTheMiddle = alice.lines.count < 10_000
            #expect(try await town.pipe("", as: "Bob").status == 0)
            try await alice.shown(until: { $0.count >= 10_000 })
            #expect(numbers(alice.lines, from: "Bob").elementsEqual(1...10_000))
        }
        #expect(wasInTheMiddle, "nothing was ever left to be sent after the kill")
    }

    @Test func `a sender killed while lines come in has sent a beginning of them, each once`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        let first = try await town.client("Bob")
        try first.type(text: lines(1...1_000, to: "Alice"))
        try await alice.shown(until: { $0.count >= 200 })
        try await first.stop(by: SIGKILL)
        #expect(try await town.pipe("@Alice: the end\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: the end" }
        let shown = numbers(alice.lines.dropLast(), from: "Bob")
        #expect(shown.count >= 200 && shown.elementsEqual(1...max(1, shown.count)), "\(shown)")
    }

    /// What was shown over several lives: each number at least once and in order.
    ///
    /// A kill between the showing of a body's messages and the note of it lets the next life show that body again:
    /// at most 64 messages, the last ones of the life before, and only if the life before was killed.
    private func expectUnion(_ lives: [[Int]], of count: Int, seed: UInt64) {
        var last = 0
        for (index, life) in lives.enumerated() {
            guard let first = life.first else { continue }
            #expect(first <= last + 1 && last - first < 64, "life \(index): \(first) after \(last), seed \(seed)")
            #expect(life.elementsEqual(first..<first + life.count), "life \(index): \(life), seed \(seed)")
            last = first + life.count - 1
        }
        #expect(last == count, "seed \(seed)")
    }

    @Test func `a receiver killed in the middle of 2,000 lines shows each, and only the last body again`() async throws
    {
        let town = try await Town()
        let bob = try await town.client("Bob")
        let first = try await town.client("Alice")
        try bob.type(text: lines(1...1_000, to: "Alice"))
        try await first.shown(until: { $0.count >= 100 })
        try await first.stop(by: SIGKILL)
        // However quick she was, something is left to be shown.
        try bob.type(text: lines(1_001...2_000, to: "Alice"))
        let second = try await town.client("Alice")
        #expect(try await bob.finish().status == 0)
        // Everything is acknowledged: what the second has to show stands before its answer.
        try await second.isThrough()
        let lives = [first, second].map { numbers($0.lines.filter { $0.hasPrefix("Bob: ") }, from: "Bob") }
        expectUnion(lives, of: 2_000, seed: 0)
    }

    @Test(arguments: [UInt64(1), 2])
    func `kills of both, again and again, lose nothing and show nothing twice but a last body`(
        _ seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let town = try await Town()
        var bob = try await town.client("Bob")
        try bob.type(text: lines(1...2_000, to: "Alice"))
        try await bob.isThrough()
        var alice = try await town.client("Alice")
        var lives: [[Int]] = []
        for _ in 0..<5 {
            let enough = Int.random(in: 1...300, using: &random)
            // A life that begins when all was shown has nothing to show.
            if lives.last?.last == 2_000 || alice.lines.last == "Bob: line 2000" { break }
            try await alice.shown(until: { $0.count >= enough || $0.last == "Bob: line 2000" })
            let victims = Int.random(in: 1...3, using: &random)
            if victims & 1 != 0 {
                try await alice.stop(by: SIGKILL)
                lives.append(numbers(alice.lines, from: "Bob"))
            }
            if victims & 2 != 0 {
                try await bob.stop(by: SIGKILL)
                bob = try await town.client("Bob")
            }
            if victims & 1 != 0 { alice = try await town.client("Alice") }
        }
        #expect(try await bob.finish().status == 0)
        // Everything is acknowledged: what this life has to show stands before its answer.
        try await alice.isThrough()
        let last = numbers(alice.lines.filter { $0.hasPrefix("Bob: ") }, from: "Bob")
        expectUnion(lives + [last], of: 2_000, seed: seed)
    }

    @Test func `a registry that is away does not stop those who know each other, even after a restart`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        #expect(try await town.pipe("@Alice: hi\n", as: "Bob").status == 0)
        try await town.registry.stop(by: SIGKILL)
        let outcome = try await town.pipe("@Alice: without a registry\n", as: "Bob")
        #expect(outcome.status == 0, "\(outcome)")
        try await alice.shown { $0 == "Bob: without a registry" }
        #expect(alice.lines == ["Bob: hi", "Bob: without a registry"])
    }
}
