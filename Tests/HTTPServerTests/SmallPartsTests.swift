// The small parts of the server: dates, CPUs, status lines.

import Testing

@testable import HTTPServer

@Suite struct SmallPartsTests {
    @Test(arguments: [
        (784_111_777 as Int64, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    ])
    func `a date is written as RFC 9110 section 5,6,7 has it`(_ time: Int64, _ text: String) {
        #expect(DateLine.text(unixTime: time) == text)
    }

    @Test func `the date line changes with the second`() {
        var line = DateLine()
        line.update(unixTime: 0)
        #expect(String(decoding: line.octets, as: UTF8.self) == "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n")
        line.update(unixTime: 1)
        #expect(String(decoding: line.octets, as: UTF8.self) == "Date: Thu, 01 Jan 1970 00:00:01 GMT\r\n")
    }

    @Test(arguments: [
        ("max 100000\n", nil as Int?), ("100000 100000\n", 1), ("150000 100000", 2), ("50000 100000", 1),
        ("800000 100000", 8), ("x y", nil), ("", nil), ("0 100000", nil),
    ])
    func `a cgroup quota is rounded up to whole CPUs`(_ text: String, _ count: Int?) {
        #expect(AvailableCPUs.quota(fromText: text) == count)
    }

    @Test(arguments: [("\t3\n", 2 as Int?), ("ff", 8), ("00000000,00000001,80000000", 2), ("0", nil)])
    func `an affinity mask is counted`(_ text: String, _ count: Int?) {
        #expect(AvailableCPUs.bitCount(inHexMask: Substring(text)) == count)
    }

    @Test func `there is at least one CPU`() {
        #expect(AvailableCPUs.count() >= 1)
    }

    @Test(arguments: [
        (200, "HTTP/1.1 200 OK\r\n"), (299, "HTTP/1.1 299 Unknown\r\n"),
        (416, "HTTP/1.1 416 Range Not Satisfiable\r\n"),
    ])
    func `a status line is made of any status`(_ status: Int, _ line: String) {
        #expect(String(decoding: ReasonPhrase.statusLine(for: status), as: UTF8.self) == line)
    }
}
