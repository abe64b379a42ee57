// Tests of what is read out of Cache-Status.

import HTTP
import Testing

@Suite struct CacheOutcomeTests {
    @Test(
        arguments: [
            ([], .none), (["waystation"], .none), (["waystation; hit"], .hit), (["waystation;hit;ttl=-3"], .hit),
            (["waystation; fwd=uri-miss; stored"], .uriMiss), (["waystation; fwd=vary-miss"], .varyMiss),
            (["waystation; fwd=STALE; fwd-status=304"], .stale), (["a; hit, waystation; fwd=partial"], .partial),
            (["a; hit", "waystation; fwd=bypass"], .bypass), (["waystation; fwd=method, b; hit"], .hit),
            (["waystation; fwd=hit"], .none), (["waystation; fwd=-"], .none), (["waystation; fwd=other"], .none),
            ([""], .none), ([";;;"], .none),
        ] as [([String], CacheOutcome)]
    )
    func `the word of the last cache counts (RFC 9211 section 2)`(lines: [String], expected: CacheOutcome) {
        var fields = Fields()
        for line in lines { fields.append("Cache-Status", line) }
        #expect(CacheOutcome(fields) == expected)
    }
}
