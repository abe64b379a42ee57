// What Tab offers.

import PeerIdentity
import Testing

@testable import Chat

struct ChatCompletionTests {
    static let table: [(before: String, candidates: [String])] = [
        ("@Al", ["@Alan: ", "@Alice: "]), ("@al", ["@Alan: ", "@Alice: "]),
        ("@", ["@Alan: ", "@Alice: ", "@Anna Maria: ", "@Bob: "]),
        ("@Anna M", ["@Anna Maria: "]), ("@Bob, Al", ["@Bob, Alan: ", "@Bob, Alice: "]), ("@bob,B", []),
        ("@Bob, Alan,ali", ["@Bob, Alan,Alice: "]),
        ("@Bob: Al", []), ("@@Al", []), ("Al", []), ("", []), ("/w", ["/who"]), ("/ro", ["/room ", "/rooms"]),
        ("/verify a", ["/verify Alan", "/verify Alice", "/verify Anna Maria"]),
        ("/help hi", ["/help history"]), ("//w", []),
        ("/room team Bob al", ["/room team Bob Alan", "/room team Bob Alice"]), ("/who x", []),
    ]

    @Test(arguments: table) func `Tab offers`(_ before: String, _ candidates: [String]) throws {
        let names = try ["Bob", "Alice", "Alan", "Anna Maria"].map { try PeerIdentifier($0) }
        #expect(ChatCompletion.candidates(before: before, names: names) == candidates)
    }
}
