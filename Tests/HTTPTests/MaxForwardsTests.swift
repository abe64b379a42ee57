// Max-Forwards: for which requests it counts, and what is left of it.

import HTTP
import Testing

@Suite struct MaxForwardsTests {
    @Test(
        arguments: [
            ("OPTIONS", ["Max-Forwards": "0"], .exhausted), ("TRACE", ["max-forwards": "0"], .exhausted),
            ("OPTIONS", ["Max-Forwards": "1"], .remaining(0)), ("TRACE", ["Max-Forwards": "007"], .remaining(6)),
            ("OPTIONS", ["Max-Forwards": "99999999999999999999"], .remaining(.max - 1)),
            ("OPTIONS", [:], .unlimited), ("OPTIONS", ["Max-Forwards": "x"], .unlimited),
            ("OPTIONS", ["Max-Forwards": "-1"], .unlimited), ("OPTIONS", ["Max-Forwards": ""], .unlimited),
            ("OPTIONS", ["Max-Forwards": "0", "Max-forwards": "0"], .unlimited),
            ("GET", ["Max-Forwards": "0"], .unlimited), ("POST", ["Max-Forwards": "0"], .unlimited),
        ] as [(String, Fields, MaxForwards)]
    )
    func `RFC 9110 section 7.6.2: TRACE and OPTIONS go as far as they may`(
        method: String,
        fields: Fields,
        expected: MaxForwards
    ) {
        #expect(MaxForwards.decide(Method(method), fields) == expected)
    }
}
