// Tests of the configuration file's lines.

import Daemon
import Testing

@Suite struct ConfigurationFileTests {
    @Test(arguments: [
        ("", []), ("\n\n", []), ("# a = b", []), ("  # a = b", []), ("a=b", ["1 a b"]), ("a = b # c", ["1 a b"]),
        ("a = b#c", ["1 a b#c"]), ("\ta\t=\tb c \t", ["1 a b c"]), ("a = b = c", ["1 a b = c"]),
        ("a = b\r\n\r\nc = d\r\n", ["1 a b", "3 c d"]), ("a = ø", ["1 a ø"]),
    ])
    func `lines and comments`(text: String, expected: [String]) throws {
        let file = try ConfigurationFile(path: "f", octets: Array(text.utf8))
        #expect(file.lines.map { "\($0.number) \($0.key) \($0.value)" } == expected)
    }

    @Test func `a file that is no text is refused with its line`() {
        #expect(throws: ExitFailure(.configuration, "f:2: not UTF-8 text; is it the configuration file?")) {
            try ConfigurationFile(path: "f", octets: [0x0a, 0xff])
        }
    }

    @Test func `the largest file is read and one octet more is refused`() throws {
        let blanks = [UInt8](repeating: 0x20, count: ConfigurationFile.octetsMax)
        #expect(try ConfigurationFile(path: "f", octets: blanks).lines.isEmpty)
        #expect(throws: ExitFailure.self) { try ConfigurationFile(path: "f", octets: blanks + [0x20]) }
    }
}
