// Where what was said is kept: with the state, in a file, nowhere.

import Foundation
import TestSupport
import Testing

struct HistoryTests {
    /// Without the time, which each line must begin with.
    private func said(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            let time = line.prefixMatch(of: #/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ /#)
            #expect(time != nil, "\(line)")
            return String(line[(time?.range.upperBound ?? line.startIndex)...])
        }
    }

    private func mode(of path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func `a history is kept with the state, for this user alone, and asked for after a restart`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        #expect(try await town.pipe("@Alice: one\n@Alice: two\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: two" }
        try alice.type("@Bob: three")
        try await alice.isThrough()
        try await alice.stop(by: SIGKILL)
        let again = try await town.pipe("/history\n/history 1\n", as: "Alice", "--wait", "0")
        #expect(said(again.output) == ["Bob: one", "Bob: two", "to Bob: three", "to Bob: three"], "\(again)")
        for file in try FileManager.default.contentsOfDirectory(atPath: town.state(of: "Alice")) {
            #expect(try mode(of: town.state(of: "Alice") + "/" + file) == 0o600, "\(file)")
        }
        #expect(try mode(of: town.state(of: "Alice")) == 0o700)
    }

    @Test func `without a history no text stays on the disk once it is delivered and shown`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice", "--history", "none")
        let outcome = try await town.pipe("@Alice: a secret of today\n/history\n", as: "Bob", "--history", "none")
        #expect(outcome.status == 0 && outcome.output == "nothing was said yet\n", "\(outcome)")
        try await alice.shown { $0 == "Bob: a secret of today" }
        try alice.type("/history")
        try await alice.shown { $0 == "nothing was said yet" }
        try await alice.finish()
        for name in ["Alice", "Bob"] {
            for file in try FileManager.default.contentsOfDirectory(atPath: town.state(of: name)) {
                let octets = try Data(contentsOf: URL(filePath: town.state(of: name) + "/" + file))
                #expect(octets.firstRange(of: Data("secret of today".utf8)) == nil, "\(name)/\(file)")
            }
        }
    }

    @Test func `a history in a file is lines of text with times, for this user alone, and it goes on`() async throws {
        let town = try await Town()
        let file = town.file("said.txt")
        let alice = try await town.client("Alice", "--history", file)
        #expect(try await town.pipe("@Alice: one\n@Alice: a\u{1b}[31m \u{202e}b\n", as: "Bob").status == 0)
        try await alice.shown(until: { $0.count == 2 })
        try alice.type("@Bob: three")
        try await alice.isThrough()
        // There although the client still runs, and was not asked to write anything.
        let expected = ["Bob: one", "Bob: a␛[31m \\u{202e}b", "> Bob: three"]
        #expect(said(try String(contentsOfFile: file, encoding: .utf8)) == expected)
        #expect(try mode(of: file) == 0o600)
        try await alice.stop(by: SIGKILL)
        let again = try await town.pipe(
            "/history 2\n@Bob: four\n/history 1\n",
            as: "Alice",
            "--history",
            file,
            "--wait",
            "0"
        )
        #expect(said(again.output) == Array(expected.suffix(2)) + ["> Bob: four"], "\(again)")
        #expect(said(try String(contentsOfFile: file, encoding: .utf8)) == expected + ["> Bob: four"])
    }

    @Test func `a history in a file leaves alone what was kept before`() async throws {
        let town = try await Town()
        #expect(try await town.pipe("@Carol: before\n", as: "Alice", "--wait", "0").status == 75)
        let other = try await town.pipe("/history\n", as: "Alice", "--history", town.file("said.txt"), "--wait", "0")
        #expect(other.output == "nothing was said yet\n")
        let again = try await town.pipe("/history\n", as: "Alice", "--wait", "0")
        #expect(said(again.output) == ["to Carol: before"])
    }

    @Test func `a history that cannot be written ends with 73 and what to do`() async throws {
        let town = try await Town()
        let outcome = try await town.pipe("", as: "Alice", "--history", town.file("not/there"))
        #expect(outcome.status == 73 && outcome.errors.contains("give --history another file"), "\(outcome)")
    }

    @Test(arguments: 1...3)
    func `a file's history has every message of a receiver that was killed`(_ round: Int) async throws {
        let town = try await Town()
        let file = town.file("said.txt")
        let bob = try await town.client("Bob")
        let first = try await town.client("Alice", "--history", file)
        try bob.type(text: lines(1...300, to: "Alice"))
        try await first.shown(until: { $0.count >= round * 50 })
        try await first.stop(by: SIGKILL)
        let second = try await town.client("Alice", "--history", file)
        #expect(try await bob.finish().status == 0)
        // Everything is acknowledged: what the second has to show stands before its answer.
        try await second.isThrough()
        let numbers = numbers(said(try String(contentsOfFile: file, encoding: .utf8)), from: "Bob")
        #expect(Set(numbers) == Set(1...300), "\(numbers)")
        // The last body before the kill may be shown again, and stands there as often.
        #expect(numbers.count <= 300 + 64)
    }
}
