// Header lines as libcurl reads them.

import CCurl
import Testing

@testable import HTTPClient

@Suite struct LineListTests {
    private func texts(_ list: LineList) -> [String] {
        var texts: [String] = []
        var node = list.first
        while let line = node?.pointee {
            texts.append(line.data.map { String(cString: $0) } ?? "nothing")
            node = line.next
        }
        return texts
    }

    @Test(arguments: [[], ["Host: a"], ["Host: a", "Accept:", "X;"], ["", "a: \u{e9}"]])
    func `every line is there, in order, octet for octet`(_ lines: [String]) {
        let list = LineList(lines.flatMap { Array($0.utf8) + [0] })
        #expect(texts(list) == lines)
    }
}
