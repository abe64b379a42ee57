// Tests of the lines of the access log: their form, and that nobody can forge one.

import HTTP
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct AccessLogLineTests {
    @Test(arguments: [
        ("plain /text?x=1", "plain /text?x=1"), ("a\"b", #"a\x22b"#), ("back\\slash", #"back\x5Cslash"#),
        ("\t", #"\x09"#), ("line\r\nfeed", #"line\x0D\x0Afeed"#), ("\u{7f}", #"\x7F"#), ("é", #"\xC3\xA9"#),
        ("\u{1b}[31m", #"\x1B[31m"#), ("", ""), ("\"", #"\x22"#), ("~ !", "~ !"),
    ])
    func `what is no printable ASCII, a quote or a backslash is escaped`(text: String, expected: String) {
        var output: [UInt8] = []
        let octets = Array(text.utf8)
        AccessLogLine.appendEscaped(octets.span, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    @Test func `every octet is escaped or printable`() {
        for octet in UInt8.min...UInt8.max {
            var output: [UInt8] = []
            let octets = [octet]
            AccessLogLine.appendEscaped(octets.span, to: &output)
            #expect(output == octets && (0x20..<0x7f).contains(octet) || output.count == 4)
        }
    }

    @Test func `an absent field is a dash`() {
        var output: [UInt8] = []
        AccessLogLine.appendQuoted([UInt8]().span, to: &output)
        #expect(output == Array("\"-\"".utf8))
    }

    @Test(
        arguments: [
            (0, "0.000000"), (999, "0.000000"), (42_000, "0.000042"), (1_000_000_000, "1.000000"),
            (61_234_567_890, "61.234567"),
        ] as [(UInt64, String)]
    )
    func `a duration is written as seconds with six places`(nanoseconds: UInt64, expected: String) {
        var output: [UInt8] = []
        AccessLogLine.append(nanoseconds: nanoseconds, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    @Test func `the time is that of the Common Log Format, in UTC`() {
        let time = String(decoding: AccessLogLine.time(unixTime: 784_111_777), as: UTF8.self)
        #expect(time == "[06/Nov/1994:08:49:37 +0000]")
    }

    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1"), ("[::1]:8080", "::1"), ("", ""), ("[2001:db8::7]:1", "2001:db8::7"),
    ])
    func `a client is written without its port`(address: String, host: String) {
        #expect(String(decoding: JournalClient(address: address).host, as: UTF8.self) == host)
    }

    @Test func `a request that came as a value is noted as one that was read in place`() {
        var request = Request(method: Method("PURGE"), target: Array("/a\"b".utf8))
        request.fields = ["User-Agent": "x\ny", "Referer": "r"]
        let noted = AccessLogLine.request(request, version: "HTTP/2.0")
        #expect(String(decoding: noted.line, as: UTF8.self) == #"PURGE /a\x22b HTTP/2.0"#)
        #expect(String(decoding: noted.agents, as: UTF8.self) == #""r" "x\x0Ay""#)
    }
}
