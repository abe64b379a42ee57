// Tests of numbers: exact integers, exact comparison.

import JSON
import Testing

@Suite struct JSONNumberTests {
    @Test(
        arguments: [
            ("0", 0, 0), ("-0", 0, 0), ("9223372036854775807", Int64.max, 9_223_372_036_854_775_807),
            ("9223372036854775808", nil, 9_223_372_036_854_775_808), ("-9223372036854775808", Int64.min, nil),
            ("-9223372036854775809", nil, nil), ("18446744073709551615", nil, UInt64.max),
            ("18446744073709551616", nil, nil), ("1.0", 1, 1), ("1e3", 1_000, 1_000), ("12.50e1", 125, 125),
            ("1.5", nil, nil), ("1e-1", nil, nil), ("-10e-1", -1, nil), ("0e300", 0, 0),
            ("1e19", nil, 10_000_000_000_000_000_000),
            ("1e300", nil, nil), ("0.000e-99999999999999999999", 0, 0),
        ] as [(String, Int64?, UInt64?)]
    )
    func `a whole number is exact, however it is written`(text: String, signed: Int64?, unsigned: UInt64?) throws {
        let number = try #require(try JSONValue(parsing: text.utf8).numberValue)
        #expect(number.int64 == signed)
        #expect(number.uint64 == unsigned)
        #expect(number.literal == text)
    }

    @Test(arguments: [
        ("1", "1.0", true), ("1", "10e-1", true), ("0", "-0", true), ("0.1", "0.10", true), ("100", "1E2", true),
        ("0e5", "0", true), ("1e-400", "0", false), ("9007199254740993", "9007199254740992", false),
        ("0.1", "0.10000000000000000001", false), ("1", "-1", false), ("12e1", "1.2e2", true), ("12", "120", false),
        ("1e-99999999999999999999999", "1e-99999999999999999999998", true),
    ])
    func `numbers are equal if their exact values are`(left: String, right: String, areEqual: Bool) throws {
        let left = try #require(try JSONValue(parsing: left.utf8).numberValue)
        let right = try #require(try JSONValue(parsing: right.utf8).numberValue)
        #expect((left == right) == areEqual)
        if areEqual { #expect(left.hashValue == right.hashValue) }
    }

    @Test func `numbers are made of what Swift has`() {
        #expect(JSONNumber(Int64.min).literal == "-9223372036854775808")
        #expect(JSONNumber(UInt64.max).literal == "18446744073709551615")
        #expect(JSONNumber(0.1)?.literal == "0.1")
        #expect(JSONNumber(-1e21)?.literal == "-1e+21")
        #expect(JSONNumber(Double.nan) == nil)
        #expect(JSONNumber(1.5)?.double == 1.5)
    }
}
