// How long is waited after failures.

import Testing

@testable import Chat

@Suite struct BackoffTests {
    private let backoff = Backoff(first: .milliseconds(250))

    @Test func `the wait doubles with each failure, up to the longest`() {
        let waits = (1...8).map { backoff.delay(after: $0, longest: .seconds(10), random: 0.5) }
        #expect(waits == [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000].map { .milliseconds($0) })
    }

    @Test func `chance spreads a wait by a quarter, and never beyond the longest`() {
        #expect(backoff.delay(after: 3, longest: .seconds(10), random: 0) == .milliseconds(750))
        #expect(backoff.delay(after: 3, longest: .seconds(10), random: 1) == .milliseconds(1_250))
        #expect(backoff.delay(after: 99, longest: .seconds(10), random: 1) == .seconds(10))
        #expect(backoff.delay(after: 99, longest: .seconds(10), random: 0) == .milliseconds(7_500))
    }

    @Test(arguments: [Int.min, -1, 0, 1]) func `no number of failures or chance leads out of the range`(_ failures: Int)
    {
        #expect(backoff.delay(after: failures, longest: .seconds(10), random: 0.5) == .milliseconds(250))
        #expect(backoff.delay(after: .max, longest: .seconds(10), random: 7) == .seconds(10))
        #expect(backoff.delay(after: .max, longest: .seconds(10), random: -7) == .milliseconds(7_500))
    }
}
