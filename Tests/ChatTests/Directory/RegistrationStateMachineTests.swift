// When a name is registered, renewed and given up.

import HTTP
import TestSupport
import Testing

@testable import Chat

struct RegistrationStateMachineTests {
    let start = Timestamp(seconds: 1_767_225_600)

    /// A machine that is registered with a lease at the start: keys turn after 3,300 s.
    private func registered(hasLease: Bool = true) -> RegistrationStateMachine {
        var machine = RegistrationStateMachine(configuration: RegistrationConfiguration())
        #expect(machine.handle(.started(keysTurnAt: start.advanced(bySeconds: 3_300)), at: start, jitter: 0) == [.put])
        let expiresAt = start.advanced(bySeconds: 3_600)
        #expect(machine.handle(.registered(hasLease: hasLease, expiresAt: expiresAt), at: start, jitter: 0) == [])
        return machine
    }

    private func at(_ seconds: Int64) -> Timestamp { start.advanced(bySeconds: seconds) }

    @Test func `a sign of life goes every third of the lease, with a growing number`() {
        var machine = registered()
        for number in 1...5 as ClosedRange<UInt64> {
            let time = at(Int64(number) * 10)
            #expect(machine.wakeAt == time)
            #expect(machine.handle(.tick, at: time.advanced(byNanoseconds: -1), jitter: 0) == [])
            #expect(machine.handle(.tick, at: time, jitter: 0) == [.renew(number)])
            #expect(machine.wakeAt == nil)
            #expect(machine.handle(.renewed, at: time, jitter: 0) == [])
        }
    }

    @Test func `a clock that was set back puts off no sign of life`() {
        var machine = registered()
        #expect(machine.handle(.tick, at: at(-7_000), jitter: 0) == [.turnKeys])
        let next = at(-7_000 + 3_300)
        #expect(machine.handle(.keysTurned(isNew: false, next: next), at: at(-7_000), jitter: 0) == [.renew(1)])
        #expect(machine.handle(.renewed, at: at(-7_000), jitter: 0) == [])
        #expect(machine.wakeAt == at(-7_000 + 10))
    }

    @Test func `without a lease key the record itself is the sign of life`() {
        var machine = registered(hasLease: false)
        #expect(machine.handle(.tick, at: at(10), jitter: 0) == [.put])
    }

    @Test func `a refused sign of life brings the record at once`() {
        var machine = registered()
        #expect(machine.handle(.tick, at: at(10), jitter: 0) == [.renew(1)])
        #expect(machine.handle(.leaseRefused, at: at(10), jitter: 0) == [.put])
    }

    @Test func `new sealing keys are published at once, and old ones dropped without a word`() {
        var machine = registered()
        for number in 1..<330 as Range<Int64> {
            _ = machine.handle(.tick, at: at(number * 10), jitter: 0)
            _ = machine.handle(.renewed, at: at(number * 10), jitter: 0)
        }
        #expect(machine.wakeAt == at(3_300))
        #expect(machine.handle(.tick, at: at(3_300), jitter: 0) == [.turnKeys])
        #expect(machine.handle(.keysTurned(isNew: true, next: at(3_900)), at: at(3_300), jitter: 0) == [.put])
        #expect(machine.handle(.registered(hasLease: true, expiresAt: at(6_900)), at: at(3_300), jitter: 0) == [])
        for number in 331..<390 as Range<Int64> {
            _ = machine.handle(.tick, at: at(number * 10), jitter: 0)
            _ = machine.handle(.renewed, at: at(number * 10), jitter: 0)
        }
        #expect(machine.handle(.tick, at: at(3_900), jitter: 0) == [.turnKeys])
        let actions = machine.handle(.keysTurned(isNew: false, next: at(6_600)), at: at(3_900), jitter: 0)
        #expect(actions == [.renew(389)])
    }

    @Test func `the record is sent anew before it ends`() {
        var machine = RegistrationStateMachine(configuration: RegistrationConfiguration())
        _ = machine.handle(.started(keysTurnAt: .latest), at: start, jitter: 0)
        _ = machine.handle(.registered(hasLease: true, expiresAt: at(65)), at: start, jitter: 0)
        #expect(machine.wakeAt == at(5))
        #expect(machine.handle(.tick, at: at(5), jitter: 0) == [.put])
    }

    @Test func `a registry that is away is warned about once and asked every 10 seconds at most`() {
        var machine = RegistrationStateMachine(configuration: RegistrationConfiguration())
        _ = machine.handle(.started(keysTurnAt: .latest), at: start, jitter: 0)
        var (now, waits, warnings) = (start, [Double](), 0)
        for _ in 0..<10 {
            let actions = machine.handle(.failed("away"), at: now, jitter: 0)
            warnings += actions.filter { $0 == .warn("away") }.count
            guard let wakeAt = machine.wakeAt else {
                Issue.record("it does not try again")
                return
            }
            waits.append(Double(wakeAt.nanosecondsSince(now)) / 1e9)
            now = wakeAt
            #expect(machine.handle(.tick, at: now, jitter: 0) == [.put])
        }
        #expect(waits == [0.5, 1, 2, 4, 8, 10, 10, 10, 10, 10] && warnings == 1)
        let back = machine.handle(.registered(hasLease: true, expiresAt: .latest), at: now, jitter: 0)
        #expect(back.count == 1)
        if case .tell? = back.first {} else { Issue.record("nothing told") }
        // The next trouble is told again.
        _ = machine.handle(.tick, at: now.advanced(bySeconds: 10), jitter: 0)
        #expect(machine.handle(.failed("away"), at: now.advanced(bySeconds: 10), jitter: 0) == [.warn("away")])
    }

    @Test(arguments: [(0.0, 0.5), (0.5, 0.375), (1.0, 0.25), (-7.0, 0.5), (9.0, 0.25)])
    func `chance takes up to a half from a wait`(_ jitter: Double, _ seconds: Double) {
        var machine = RegistrationStateMachine(configuration: RegistrationConfiguration())
        _ = machine.handle(.started(keysTurnAt: .latest), at: start, jitter: 0)
        _ = machine.handle(.failed("away"), at: start, jitter: jitter)
        #expect(machine.wakeAt == start.advanced(byNanoseconds: Int64(seconds * 1e9)))
    }

    @Test func `a sign of life that got lost is sent again, sooner`() {
        var machine = registered()
        #expect(machine.handle(.tick, at: at(10), jitter: 0) == [.renew(1)])
        _ = machine.handle(.failed("away"), at: at(10), jitter: 1)
        #expect(machine.handle(.tick, at: at(11), jitter: 0) == [.renew(2)])
    }

    @Test func `keys turn while the registry is away, and the newest are published when it is back`() {
        var machine = RegistrationStateMachine(configuration: RegistrationConfiguration())
        _ = machine.handle(.started(keysTurnAt: at(1)), at: start, jitter: 0)
        _ = machine.handle(.failed("away"), at: start, jitter: 0)
        #expect(machine.handle(.tick, at: at(1), jitter: 0) == [.turnKeys])
        #expect(machine.handle(.keysTurned(isNew: true, next: at(3_601)), at: at(1), jitter: 0) == [.put])
    }

    @Test func `a name that is another's from the start is given up, later it is kept asking for`() {
        var machine = RegistrationStateMachine(configuration: RegistrationConfiguration())
        _ = machine.handle(.started(keysTurnAt: .latest), at: start, jitter: 0)
        #expect(machine.handle(.nameTaken("Bob's"), at: start, jitter: 0) == [.fail("Bob's")])
        #expect(machine.handle(.tick, at: at(99), jitter: 0) == [] && machine.wakeAt == nil)
        var later = registered()
        _ = later.handle(.tick, at: at(10), jitter: 0)
        #expect(later.handle(.leaseRefused, at: at(10), jitter: 0) == [.put])
        #expect(later.handle(.nameTaken("Bob's"), at: at(10), jitter: 0) == [.warn("Bob's")])
        #expect(later.wakeAt == at(10).advanced(byNanoseconds: 500_000_000))
    }

    @Test func `a seq too low is put right at once, but not in a circle`() {
        var machine = RegistrationStateMachine(configuration: RegistrationConfiguration())
        _ = machine.handle(.started(keysTurnAt: .latest), at: start, jitter: 0)
        #expect(machine.handle(.sequenceRefused, at: start, jitter: 0) == [.put])
        #expect(machine.handle(.sequenceRefused, at: start, jitter: 0) == [])
        #expect(machine.wakeAt.map { $0 > start } == true)
    }

    @Test func `a stop deregisters, at once or when the request under way is over`() {
        var waiting = registered()
        #expect(waiting.handle(.stopping, at: at(1), jitter: 0) == [.leave, .end])
        #expect(waiting.handle(.tick, at: at(10), jitter: 0) == [])
        for outcome in [.renewed, .leaseRefused, .failed("x"), .sequenceRefused] as [RegistrationStateMachine.Event] {
            var asking = registered()
            #expect(asking.handle(.tick, at: at(10), jitter: 0) == [.renew(1)])
            #expect(asking.handle(.stopping, at: at(10), jitter: 0) == [])
            #expect(asking.handle(outcome, at: at(10), jitter: 0) == [.leave, .end])
        }
    }

    @Test func `no order of events leaves it with nothing to wait for`() {
        let seed: UInt64 = 0x5eed_0003
        var random = SeededGenerator(seed: seed)
        for round in 0..<300 {
            var machine = RegistrationStateMachine(configuration: RegistrationConfiguration())
            var now = start
            var asked = machine.handle(.started(keysTurnAt: at(100)), at: now, jitter: 0).filter(\.isQuestion)
            for _ in 0..<60 {
                #expect(asked.count <= 1 && (machine.wakeAt == nil) == (asked.count == 1), "\(seed), \(round)")
                let event: RegistrationStateMachine.Event
                switch asked.first {
                case nil:
                    now = max(now, machine.wakeAt ?? now)
                    event = .tick
                case .turnKeys?:
                    event = .keysTurned(isNew: random.next() % 2 == 0, next: now.advanced(bySeconds: 90))
                case .renew?: event = [.renewed, .leaseRefused, .failed("away")][Int(random.next() % 3)]
                default:
                    event =
                        [
                            .registered(hasLease: random.next() % 2 == 0, expiresAt: now.advanced(bySeconds: 200)),
                            .failed("away"), .refused("no"), .sequenceRefused,
                        ][Int(random.next() % 4)]
                }
                asked = machine.handle(event, at: now, jitter: 0.5).filter(\.isQuestion)
            }
        }
    }
}

extension RegistrationStateMachine.Action {
    /// Whether an event is to answer it.
    fileprivate var isQuestion: Bool {
        switch self {
        case .put, .renew, .turnKeys: true
        default: false
        }
    }
}
