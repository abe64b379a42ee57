// When sealing keys are made, published and forgotten.

import HTTP
import PeerIdentity
import Testing

@testable import Chat

@Suite struct SealingKeyRingTests {
    private let ring: SealingKeyRing

    init() throws {
        ring = try SealingKeyRing(at: .start)
    }

    private func after(_ seconds: Int64) -> Timestamp { Timestamp.start.advanced(bySeconds: seconds) }

    private func header(_ set: SealingKeySet, _ suite: SealingSuite) -> SealingHeader {
        SealingHeader(suite: suite, keyID: SealingKeyID(of: suite == .x25519 ? set.x25519 : set.xWing ?? []))
    }

    @Test func `new keys are made once the hour is over, not before`() throws {
        let first = ring.publicSet
        #expect(ring.nextTurn == after(3600))
        #expect(try ring.turn(at: after(3599)) == nil)
        #expect(ring.publicSet == first)
        let second = try ring.turn(at: after(3600))
        #expect(second != nil && second != first && second == ring.publicSet)
        #expect(ring.nextTurn == after(4200))
    }

    @Test func `a clock that was set back lengthens no key's life`() throws {
        let first = ring.publicSet
        #expect(try ring.turn(at: after(0)) == nil)
        #expect(try ring.turn(at: after(-1)) != nil)
        let old = header(first, .x25519)
        #expect(ring.keys(for: old, at: after(-1)) != nil)
        _ = try ring.turn(at: after(-2))
        #expect(ring.keys(for: old, at: after(-2)) == nil)
    }

    @Test(arguments: SealingSuite.allCases) func `old keys open for ten minutes more, not longer`(
        _ suite: SealingSuite
    ) throws {
        let old = header(ring.publicSet, suite)
        _ = try ring.turn(at: after(3600))
        #expect(ring.keys(for: old, at: after(3600)) != nil)
        #expect(ring.keys(for: old, at: after(4199)) != nil)
        #expect(ring.keys(for: old, at: after(4200)) == nil)
        #expect(try ring.turn(at: after(4200)) == nil)
        #expect(ring.nextTurn == after(7200))
        // Forgotten, not hidden: an earlier time does not bring them back.
        #expect(ring.keys(for: old, at: after(3600)) == nil)
        #expect(ring.keys(for: header(ring.publicSet, suite), at: after(4200)) != nil)
    }

    @Test func `the id of one suite does not find keys by the other's`() throws {
        let set = ring.publicSet
        let id = SealingKeyID(of: set.x25519)
        #expect(ring.keys(for: SealingHeader(suite: .x25519, keyID: id), at: .start) != nil)
        #expect(ring.keys(for: SealingHeader(suite: .xWing, keyID: id), at: .start) == nil)
    }

    @Test func `keys that cannot be made leave the old ones in place`() throws {
        let keys = try SealingKeys()
        let calls = Calls()
        let ring = try SealingKeyRing(
            at: .start,
            make: { () throws(SealingError) in
                guard calls.count() == 1 else { throw SealingError(.failed, "no entropy") }
                return keys
            }
        )
        #expect(throws: SealingError.self) { try ring.turn(at: after(3600)) }
        #expect(ring.publicSet == keys.publicSet)
        #expect(ring.nextTurn == after(3600))
    }

    @Test func `no more old keys are held than the limit`() throws {
        var configuration = SealingKeyRing.Configuration()
        (configuration.lifetimeSeconds, configuration.retiredMax) = (1, 2)
        let ring = try SealingKeyRing(at: .start, configuration: configuration)
        var sets = [ring.publicSet]
        for second in 1...3 { sets.append(try #require(try ring.turn(at: after(Int64(second))))) }
        #expect(sets.map { ring.keys(for: header($0, .xWing), at: after(3)) != nil } == [false, true, true, true])
    }
}
