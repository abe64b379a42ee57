// Timestamp: rounding and ends.

import HTTP
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, 0), (999_999_999, 0), (1_000_000_000, 1), (-1, -1), (-1_000_000_000, -1), (Int64.min, -9_223_372_037),
        ] as [(Int64, Int64)]
    )
    func `seconds are rounded down`(nanoseconds: Int64, seconds: Int64) {
        #expect(Timestamp(nanoseconds: nanoseconds).seconds == seconds)
    }

    @Test func `times outside of what can be expressed are kept at its ends`() {
        #expect(Timestamp(seconds: .max) == .latest)
        #expect(Timestamp(seconds: .min) == .earliest)
        #expect(Timestamp.latest.advanced(bySeconds: 1) == .latest)
        #expect(Timestamp.earliest.advanced(bySeconds: -1) == .earliest)
        #expect(Timestamp(seconds: 5).advanced(bySeconds: .max) == .latest)
        #expect(Timestamp.latest.secondsSince(.earliest) == 9_223_372_036)
        #expect(Timestamp.earliest.secondsSince(.latest) == -9_223_372_037)
    }

    @Test func `a difference counts whole seconds, rounded down`() {
        let start = Timestamp(nanoseconds: 1_500_000_000)
        #expect(Timestamp(nanoseconds: 3_400_000_000).secondsSince(start) == 1)
        #expect(Timestamp(nanoseconds: 3_500_000_000).secondsSince(start) == 2)
        #expect(Timestamp(nanoseconds: 1_400_000_000).secondsSince(start) == -1)
        #expect(start.advanced(bySeconds: 2) == Timestamp(nanoseconds: 3_500_000_000))
    }
}
