// An identity key in a file: one line, and nothing that is like it.

import Testing

@testable import PeerIdentity

@Suite struct IdentityFileTests {
    @Test func `a key is read again from what is written of it, with white space around`() throws {
        let key = try IdentityKey(rawRepresentation: [UInt8](repeating: 1, count: 32))
        #expect(key.fileText == "waystation-identity-1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n")
        #expect(IdentityKey(fileText: "  \(key.fileText)\n")?.publicKey == key.publicKey)
    }

    @Test(arguments: [
        "", "waystation-identity-1", "waystation-identity-2 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        "waystation-identity-1 AQEB", "waystation-identity-1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE more",
        "waystation-identity-1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    ])
    func `what is something else is no key`(_ text: String) {
        #expect(IdentityKey(fileText: text) == nil)
    }
}
