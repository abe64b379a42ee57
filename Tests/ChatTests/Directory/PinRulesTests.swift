// What a record means for a name of which something is pinned.

import HTTP
import PeerIdentity
import Testing

@testable import Chat

struct PinRulesTests {
    let now = Timestamp(seconds: 1_767_225_600)

    private func pin(_ signed: SignedPeerRecord) -> Pin { PinRules.pinned(signed) }

    @Test func `the first record makes the pin if it is current`() throws {
        let alice = try TestPeer("Alice", xWing: true)
        let record = try alice.record(7, at: now)
        guard case .first(let pin) = PinRules.judge(record, against: nil, at: now) else {
            Issue.record("not taken")
            return
        }
        #expect(pin.key == alice.identity.publicKey && pin.sequence == 7 && pin.suite == 2 && pin.record == record)
        for time in [now.advanced(bySeconds: 3_601), now.advanced(bySeconds: -61)] {
            guard case .refused = PinRules.judge(record, against: nil, at: time) else {
                Issue.record("taken at \(time)")
                return
            }
        }
    }

    @Test func `a record of the pinned key may be expired, and a higher seq moves the pin`() throws {
        let alice = try TestPeer("Alice")
        let (old, new) = (try alice.record(7, at: now), try alice.record(8, at: now))
        let later = now.advanced(bySeconds: 100_000)
        #expect(PinRules.judge(old, against: pin(old), at: later) == .same(pin(old)))
        #expect(PinRules.judge(new, against: pin(old), at: later) == .same(pin(new)))
    }

    @Test func `a lower seq is refused, and a second record of one seq`() throws {
        let alice = try TestPeer("Alice")
        let pin = pin(try alice.record(7, at: now))
        var moved = alice
        moved.url = try PeerURL("http://elsewhere.test")
        for record in [try alice.record(6, at: now), try moved.record(7, at: now)] {
            guard case .refused = PinRules.judge(record, against: pin, at: now) else {
                Issue.record("taken: seq \(record.record.sequence)")
                return
            }
        }
    }

    @Test func `a key that offered the better suite never offers less`() throws {
        var alice = try TestPeer("Alice", xWing: true)
        let pin = pin(try alice.record(7, at: now))
        alice.keys.xWing = nil
        guard case .refused = PinRules.judge(try alice.record(8, at: now), against: pin, at: now) else {
            Issue.record("taken")
            return
        }
    }

    @Test func `what the person chose stays when the record is renewed`() throws {
        let alice = try TestPeer("Alice")
        var pin = pin(try alice.record(7, at: now))
        (pin.isBlocked, pin.isVerified) = (true, true)
        guard case .same(let renewed) = PinRules.judge(try alice.record(8, at: now), against: pin, at: now) else {
            Issue.record("not taken")
            return
        }
        #expect(renewed.isBlocked && renewed.isVerified && renewed.sequence == 8)
    }

    @Test func `another key is a change unless the pinned one handed over`() throws {
        let (old, new) = (try TestPeer("Alice"), try TestPeer("Alice"))
        var pin = pin(try old.record(7, at: now))
        (pin.isBlocked, pin.isVerified) = (true, true)
        #expect(PinRules.judge(try new.record(9, at: now), against: pin, at: now) == .changed)
        let handover = try PeerHandover(identifier: old.identifier, sequence: 8, newKey: new.identity.publicKey)
            .signed(by: old.identity)
        let record = try new.record(9, at: now, handover: handover)
        guard case .handedOver(let moved) = PinRules.judge(record, against: pin, at: now) else {
            Issue.record("not taken")
            return
        }
        #expect(moved.key == new.identity.publicKey && moved.sequence == 9)
        // The safety words are others now; a block is meant for whoever has the name.
        #expect(moved.isBlocked && !moved.isVerified)
    }

    enum BadHandover: CaseIterable {
        case byNewKey, ofOtherName, toOtherKey, tooOld, aboveRecord, garbage
    }

    @Test(arguments: BadHandover.allCases) func `a handover that does not fit is none`(_ fault: BadHandover) throws {
        let (old, new) = (try TestPeer("Alice"), try TestPeer("Alice"))
        let pin = pin(try old.record(7, at: now))
        let stranger = IdentityKey()
        let handover = try PeerHandover(
            identifier: fault == .ofOtherName ? try PeerIdentifier("Bob") : old.identifier,
            sequence: fault == .tooOld ? 6 : fault == .aboveRecord ? 10 : 8,
            newKey: fault == .toOtherKey ? stranger.publicKey : new.identity.publicKey
        ).signed(by: fault == .byNewKey ? new.identity : old.identity)
        // The record's own signature is the caller's to check.
        var record = try new.record(9, at: now)
        record.record.handover = fault == .garbage ? "a.b.c" : handover
        #expect(PinRules.judge(record, against: pin, at: now) == .changed)
    }
}
