// When other threads are woken: at once, or once at the end of a round.

import HTTP
import Synchronization
import Testing

@Suite struct WakeRoundTests {
    private final class Sleeper: Wakeable {
        let wakes = Atomic<Int>(0)
        var count: Int { wakes.load(ordering: .relaxed) }
        func wakeUp() { wakes.add(1, ordering: .relaxed) }
    }

    @Test func `outside of a round whoever is to be woken is woken at once, each time`() {
        let sleeper = Sleeper()
        WakeRound.wake(sleeper)
        #expect(sleeper.count == 1)
        WakeRound.wake(sleeper)
        #expect(sleeper.count == 2)
    }

    @Test func `in a round each is woken once, when it is over, and that of an inner round when the outer one is`() {
        let (first, second) = (Sleeper(), Sleeper())
        WakeRound.run {
            WakeRound.wake(first)
            WakeRound.run {
                WakeRound.wake(first)
                WakeRound.wake(second)
            }
            WakeRound.wake(second)
            #expect(first.count == 0)
            #expect(second.count == 0)
        }
        #expect(first.count == 1)
        #expect(second.count == 1)
        WakeRound.wake(first)
        #expect(first.count == 2)
    }
}
