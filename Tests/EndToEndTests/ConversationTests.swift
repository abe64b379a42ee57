// Two and more people talk: the real clients on pipes, the real registry.

import Foundation
import TestSupport
import Testing

struct ConversationTests {
    @Test func `the three lines of a person: registry, Alice, Bob, and a message`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        let bob = try await town.client("Bob")
        try bob.type("@Alice: Hello Alice!!")
        try await alice.shown { $0 == "Bob: Hello Alice!!" }
        try alice.type("@bob: Hello Bob!!", "and a line without a name goes to the last")
        try await bob.shown(until: { $0.count == 2 })
        #expect(bob.lines == ["Alice: Hello Bob!!", "Alice: and a line without a name goes to the last"])
        #expect(alice.lines == ["Bob: Hello Alice!!"])
    }

    @Test func `a message through a pipe is delivered before the exit code 0`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        let outcome = try await town.pipe("@Alice: hi\n", as: "Bob")
        #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome)")
        try await alice.shown { $0 == "Bob: hi" }
        // A last line without a line feed is one, too.
        #expect(try await town.pipe("@Alice: hi again", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: hi again" }
        #expect(alice.lines == ["Bob: hi", "Bob: hi again"])
    }

    @Test func `with nobody there the exit code is 75, who waits is named, and the next start delivers`() async throws {
        let town = try await Town()
        let outcome = try await town.pipe("@Alice: one\n@Alice: two\n@Carol: three\n", as: "Bob", "--wait", "0.5")
        #expect(outcome.status == 75)
        let said = outcome.errors.split(separator: "\n").last ?? ""
        #expect(said.contains("2 for Alice") && said.contains("1 for Carol"), "\(outcome.errors)")
        let (alice, carol) = (try await town.client("Alice"), try await town.client("Carol"))
        #expect(try await town.pipe("", as: "Bob").status == 0)
        try await alice.shown(until: { $0.count == 2 })
        try await carol.shown { $0 == "Bob: three" }
        #expect(alice.lines == ["Bob: one", "Bob: two"])
    }

    @Test(arguments: [
        ([], "missing expected argument"),
        (["x", "Bob", "http://localhost:1"], "expected a number"),
        (["0", "Bob"], "missing expected argument"),
        (["0", ".Bob", "http://localhost:1"], "the name '.Bob'"),
        (["0", "B/b", "http://localhost:1"], "the name 'B/b'"),
        (["0", "Bob", "localhost:1"], "the registry's URL"),
        (["0", "Bob", "http://localhost:1", "--frobnicate"], "frobnicate"),
        (["0", "Bob", "http://localhost:1", "--ttl", "1"], "ttl"),
        (["0", "Bob", "http://localhost:1", "--url", "ftp://a/"], "--url"),
    ])
    func `a command line that is not understood ends with 64 and one line`(
        _ arguments: [String],
        _ reason: String
    ) async throws {
        let home = try TemporaryDirectory()
        let outcome = try await RunningProcess.run(
            [Product.path("client")] + arguments,
            environment: ["XDG_STATE_HOME": home.path]
        )
        #expect(outcome.status == 64 && outcome.output.isEmpty, "\(outcome)")
        #expect(outcome.errors.contains(reason), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }

    @Test func `lines that are not understood are said, the others go, and the exit code is 65`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        let outcome = try await town.pipe("to nobody\n/frobnicate\n@Alice no colon\n@Alice: this goes\n", as: "Bob")
        #expect(outcome.status == 65)
        for reason in ["nobody to send this to", "there is no command /frobnicate", "a colon is missing", "3 lines"] {
            #expect(outcome.errors.contains(reason), "\(reason) in \(outcome.errors)")
        }
        try await alice.shown { $0 == "Bob: this goes" }
        #expect(alice.lines == ["Bob: this goes"])
    }

    @Test func `one line goes to several, and a room stands for its members after a restart`() async throws {
        let town = try await Town()
        let others = [try await town.client("Alice"), try await town.client("Carol"), try await town.client("Dave")]
        #expect(try await town.pipe("@Alice, Carol, Dave, alice: to all\n", as: "Bob").status == 0)
        for other in others { try await other.shown { $0 == "Bob: to all" } }
        let made = try await town.pipe("/room team Alice Carol\n@team: to the team\n", as: "Bob")
        #expect(made.status == 0 && made.output.contains("@team: goes to Alice, Carol"), "\(made)")
        let again = try await town.pipe("/rooms\n@team, Dave: after a restart\n/room team -\n/rooms\n", as: "Bob")
        #expect(again.status == 0 && again.output.contains("  team: Alice, Carol"), "\(again)")
        #expect(again.output.contains("there are no rooms"))
        try await others[2].shown { $0 == "Bob: after a restart" }
        for other in others.dropLast() {
            try await other.shown(until: { $0.count == 3 })
            #expect(other.lines == ["Bob: to all", "Bob: to the team", "Bob: after a restart"])
        }
        #expect(others[2].lines == ["Bob: to all", "Bob: after a restart"])
    }

    @Test func `who is blocked is told so and not shown, until it is taken back`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        #expect(try await town.pipe("@Alice: before\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: before" }
        try alice.type("/block Bob")
        try await alice.shown { $0.hasPrefix("Bob is blocked") }
        let refused = try await town.pipe("@Alice: while blocked\n", as: "Bob")
        #expect(refused.status == 69 && refused.errors.contains("does not take messages from you"), "\(refused)")
        // Others are not.
        #expect(try await town.pipe("@Alice: I am not Bob\n", as: "Carol").status == 0)
        try alice.type("/unblock Bob")
        try await alice.shown { $0.hasPrefix("Bob is not blocked") }
        #expect(try await town.pipe("@Alice: after\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: after" }
        #expect(alice.lines.filter { $0.contains(": ") && !$0.contains("blocked") }.count == 3)
        #expect(!alice.lines.contains { $0.contains("while blocked") })
    }

    @Test func `both see the same safety words, and a third person others`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        #expect(try await town.pipe("@Alice: hi\n", as: "Bob").status == 0)
        let carol = try await town.client("Carol")
        try await carol.isThrough()
        @Sendable func words(_ output: [String]) -> [String] {
            output.filter { $0.wholeMatch(of: /(Alice|Bob|Carol):( [a-z]+){6}/) != nil }
        }
        let bobs = try await town.pipe("/verify Alice\n", as: "Bob").output.split(separator: "\n").map(String.init)
        try alice.type("/verify Bob")
        try await alice.shown(until: { words($0).count == 2 })
        #expect(words(alice.lines).count == 2 && words(alice.lines) == words(bobs), "\(bobs)")
        let carols = try await town.pipe("/verify Carol\n", as: "Bob").output.split(separator: "\n").map(String.init)
        try await carol.finish()
        #expect(words(carols).count == 2 && Set(words(carols)).intersection(words(bobs)).count == 1)
    }

    @Test func `who tells who is present and who is known`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        let carol = try await town.client("Carol")
        #expect(try await town.pipe("@Alice: hi\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: hi" }
        try await carol.finish()
        // Carol left, and Bob did, whom Alice knows.
        let who = try await town.pipe("/who\n", as: "Dave").output
        // Whether Dave sees himself depends on how quick he asks.
        #expect(who.hasPrefix("present:\n  Alice\n") && !who.contains("Bob") && !who.contains("Carol"), "\(who)")
        try alice.type("/who")
        try await alice.shown { $0 == "known, not present:" }
        try await alice.shown { $0 == "  Bob" }
        #expect(!alice.lines.contains("  Carol"))
    }

    @Test func `a second client of the name ends with a line, in any letter case`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        for name in ["Alice", "ALICE"] {
            let second = try await town.pipe("", as: name)
            #expect(second.status == 69)
            #expect(second.errors.contains("a client named \(name) runs already"), "\(second.errors)")
            #expect(second.errors.split(separator: "\n").count == 1)
        }
        #expect(try await town.pipe("@Alice: still there\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: still there" }
    }

    @Test func `a port in use ends with 69 and the command line with the next free one`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        let outcome = try await RunningProcess.run(
            [Product.path("client"), String(alice.port), "Bob", town.registry.base],
            environment: ["XDG_STATE_HOME": town.home]
        )
        #expect(outcome.status == 69)
        let hint = try #require(outcome.errors.firstMatch(of: /port (\d+) is taken; try client (\d+) Bob (\S+)\n/))
        #expect(Int(hint.1) == alice.port && Int(hint.2).map { $0 > alice.port } == true)
        #expect(String(hint.3) == town.registry.base)
    }

    @Test func `a key that changed is said, and nothing is delivered until it is trusted`() async throws {
        let town = try await Town()
        let bob = try await town.client("Bob")
        let alice = try await town.client("Alice")
        try bob.type("@Alice: to the first key")
        try await alice.shown { $0 == "Bob: to the first key" }
        try await alice.finish()
        // Alice's disk is lost, and a registry without memory gives her name to whoever comes first.
        try FileManager.default.removeItem(atPath: town.state(of: "Alice"))
        let port = town.registry.port
        try await town.registry.stop(by: SIGKILL)
        let registry = try await RunningRegistry.start(port: port)
        let other = try await RunningClient.start("Alice", registry: registry.base, home: town.home)
        try bob.type("@Alice: for her eyes")
        try await bob.said { $0.contains("Alice has another key now") }
        try await bob.isThrough()
        // Another peer's message goes through, and so would this one have.
        #expect(try await town.pipe("@Alice: hello\n", as: "Carol").status == 0)
        try await other.shown { $0 == "Carol: hello" }
        #expect(other.lines == ["Carol: hello"])
        try bob.type("/trust Alice")
        try await bob.shown { (line: String) in line.contains("new key is trusted") }
        // The new registry may not know Bob yet.
        try await other.shown(until: { $0.count == 2 })
        #expect(["Bob: for her eyes", "Bob (unchecked): for her eyes"].contains(other.lines.last), "\(other.lines)")
    }
}
