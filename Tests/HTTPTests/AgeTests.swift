// Age: which member counts, and what is no number.

import HTTP
import Testing

@Suite struct AgeTests {
    @Test(
        arguments: [
            ([], nil), (["0"], 0), (["7200"], 7200), (["007"], 7), (["7200,0"], 7200), (["0, 7200"], 0),
            (["7200", "0"], 7200), (["0", "7200"], 0), (["7200 , 7200"], 7200), (["abc"], nil), (["-7200"], nil),
            (["7200.0"], nil), (["7200;foo=bar"], 7200), (["7200 ; foo=111, 0"], 7200), ([";7200"], nil), ([""], nil),
            ([",7200"], nil), (["abc", "7200"], nil),
            (["2147483647"], 2_147_483_647), (["2147483648"], 2_147_483_648), (["2147483649"], 2_147_483_648),
            (["99999999999999999999999"], 2_147_483_648), (["\"60\""], nil), (["6 0"], nil),
        ] as [([String], Int64?)]
    )
    func `RFC 9111 section 5.1: the first member counts if it is a number`(lines: [String], seconds: Int64?) {
        #expect(Age.parse(lines.map { Array($0.utf8)[...] }) == seconds)
    }
}
