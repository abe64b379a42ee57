// Reuse: fresh, stale and what each directive changes.

import HTTP
import HTTPCache
import Testing

@Suite struct ReuseTests {
    private static let anyFailure = Reuse.validate(Reuse.Fallback(onConnectionFailure: true, onServerError: true))
    private static let lostOnly = Reuse.validate(Reuse.Fallback(onConnectionFailure: true, onServerError: false))
    private static let never = Reuse.validate(.none)

    /// The decision for a response of this Cache-Control so many seconds after its arrival.
    private func decide(
        _ response: String,
        after seconds: Int64,
        request: String = "",
        age: String = "0",
        options: Reuse.Options = Reuse.Options()
    ) -> Reuse {
        let freshness = Freshness(
            status: 200,
            fields: ["Cache-Control": response, "Age": age],
            requested: Moment.now,
            received: Moment.now
        )
        let lines: [ArraySlice<UInt8>] = [Array(request.utf8)[...]]
        return Reuse.decide(
            freshness,
            request: CacheControl.parse(lines),
            now: Moment.now.advanced(bySeconds: seconds),
            options: options
        )
    }

    @Test(
        arguments: [
            ("4.2", "max-age=60", 59, .fresh), ("4.2", "max-age=60", 60, lostOnly), ("4.2", "", 0, lostOnly),
            ("5.2.2.4", "max-age=60, no-cache", 0, never), ("5.2.2.4", "max-age=60, no-cache", 61, never),
            ("5.2.2.4", "max-age=60, no-cache=\"a\"", 0, .fresh),
            ("5.2.2.4", "max-age=60, no-cache=\"vary\"", 0, never),
            ("5.2.2.2", "max-age=60, must-revalidate", 59, .fresh),
            ("5.2.2.2", "max-age=60, must-revalidate", 60, never),
            ("5.2.2.8", "max-age=60, proxy-revalidate", 60, never), ("5.2.2.10", "s-maxage=60", 59, .fresh),
            ("5.2.2.10", "s-maxage=60", 60, never),
            ("5861 3", "max-age=60, stale-while-revalidate=10", 69, .staleWhileRevalidate),
            ("5861 3", "max-age=60, stale-while-revalidate=10", 70, lostOnly),
            ("5861 3", "max-age=60, stale-while-revalidate=10", 59, .fresh),
            ("4.2.4", "max-age=60, stale-while-revalidate=10, must-revalidate", 61, never),
            ("4.2.4", "s-maxage=60, stale-while-revalidate=10", 61, never),
            ("4.2.4", "no-cache, stale-while-revalidate=10, stale-if-error=10", 0, never),
            ("5861 4", "max-age=60, stale-if-error=10", 69, anyFailure),
            ("5861 4", "max-age=60, stale-if-error=10", 70, never),
            ("5861 4", "max-age=60, stale-if-error=10, must-revalidate", 61, never),
            ("5861 4", "max-age=60, stale-if-error=0", 60, never),
            ("8246 2", "max-age=60, immutable", 60, lostOnly),
        ] as [(String, String, Int64, Reuse)]
    )
    func `without request directives`(section: String, response: String, seconds: Int64, expected: Reuse) {
        #expect(decide(response, after: seconds) == expected, "section \(section)")
    }

    @Test(
        arguments: [
            ("5.2.1.1", "max-age=0", "max-age=3600", 0, lostOnly),
            ("5.2.1.1", "max-age=1", "max-age=3600", 3, lostOnly),
            ("5.2.1.1", "max-age=10", "max-age=3600", 10, .fresh),
            ("5.2.1.1", "max-age=10", "max-age=3600", 11, lostOnly),
            ("5.2.1.2", "max-stale=1000", "max-age=1", 3, .staleAcceptedByClient),
            ("5.2.1.2", "max-stale", "max-age=1", 3000, .staleAcceptedByClient),
            ("5.2.1.2", "max-stale=10", "max-age=60", 69, .staleAcceptedByClient),
            ("5.2.1.2", "max-stale=10", "max-age=60", 71, lostOnly),
            ("5.2.1.2", "max-stale=x", "max-age=60", 61, lostOnly),
            ("5.2.1.2", "max-stale", "max-age=1, must-revalidate", 3, never),
            ("5.2.1.2", "max-stale", "max-age=1, no-cache", 0, never),
            ("5.2.1.2", "max-stale", "s-maxage=1", 3, never),
            ("5.2.1.2", "max-stale, max-age=5", "max-age=1", 3, .staleAcceptedByClient),
            ("5.2.1.2", "max-stale, max-age=5", "max-age=1", 6, lostOnly),
            ("5.2.1.3", "min-fresh=2000", "max-age=1500", 0, lostOnly),
            ("5.2.1.3", "min-fresh=1000", "max-age=1500", 500, .fresh),
            ("5.2.1.3", "min-fresh=1000", "max-age=1500", 501, lostOnly),
            ("5.2.1.4", "no-cache", "max-age=3600", 0, never), ("5.2.1.4", "no-cache=\"a\"", "max-age=3600", 0, never),
            ("5.2.1.5", "no-store", "max-age=3600", 0, .bypass),
            ("5.2.1.5", "no-store, only-if-cached", "max-age=3600", 0, .gatewayTimeout),
            ("5.2.1.7", "only-if-cached", "max-age=60", 0, .fresh),
            ("5.2.1.7", "only-if-cached", "max-age=60", 60, .gatewayTimeout),
            ("5.2.1.7", "only-if-cached, max-stale", "max-age=60", 61, .staleAcceptedByClient),
            ("5.2.1.7", "only-if-cached, no-cache", "max-age=60", 0, .gatewayTimeout),
            ("5.2.1.1", "max-age=100", "max-age=60, stale-while-revalidate=10", 61, lostOnly),
            ("8246 2", "max-age=0", "max-age=60, immutable", 30, .fresh),
            ("8246 2", "no-cache", "max-age=60, immutable", 30, never),
            ("8246 2", "max-age=0", "max-age=60, immutable", 60, lostOnly),
            ("5861 4", "stale-if-error=100", "max-age=60", 61, anyFailure),
            ("5861 4", "stale-if-error=100", "max-age=60, must-revalidate", 61, never),
            ("5861 4", "stale-if-error=1", "max-age=60, stale-if-error=100", 70, anyFailure),
            ("4.2.4", "max-age=0", "max-age=60, must-revalidate", 30, lostOnly),
        ] as [(String, String, String, Int64, Reuse)]
    )
    func `with request directives`(section: String, request: String, response: String, seconds: Int64, expected: Reuse)
    {
        #expect(decide(response, after: seconds, request: request) == expected, "section \(section)")
    }

    @Test(arguments: ["no-cache", "no-store", "max-age=0", "min-fresh=9999", "only-if-cached", "max-stale"])
    func `request directives can be switched off`(request: String) {
        var options = Reuse.Options()
        options.ignoreClientCacheControl = true
        #expect(decide("max-age=60", after: 0, request: request, options: options) == .fresh)
        #expect(decide("max-age=60", after: 60, request: request, options: options) == Self.lostOnly)
    }

    @Test func `received age counts for request directives too`() {
        #expect(decide("max-age=3600", after: 0, request: "max-age=600", age: "1800") == Self.lostOnly)
        #expect(decide("max-age=1500", after: 0, request: "min-fresh=1000", age: "1000") == Self.lostOnly)
        #expect(decide("max-age=1500", after: 0, request: "max-stale=1000", age: "2000") == .staleAcceptedByClient)
    }

    @Test func `serving stale when the origin is gone can be switched off`() {
        var options = Reuse.Options()
        options.staleOnConnectionFailure = false
        #expect(decide("max-age=60", after: 60, options: options) == Self.never)
        let serverErrorOnly = Reuse.validate(Reuse.Fallback(onConnectionFailure: false, onServerError: true))
        #expect(decide("max-age=60, stale-if-error=5", after: 60, options: options) == serverErrorOnly)
        #expect((100...999).filter(Reuse.Fallback.isServerError) == [500, 502, 503, 504])
    }
}
