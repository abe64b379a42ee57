// Puts off the waking of other threads until a thread has done what it has at hand, so that each is woken once.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Something whose thread can be woken, from any thread.
package protocol Wakeable: AnyObject, Sendable {
    /// Wakes it now.
    func wakeUp()
}

/// The wake-ups that one thread owes others at the end of what it is doing.
///
/// A thread that hands another one piece of work after the other would else wake it for the first, and be pushed aside for
/// it, again and again: on one core two threads then take turns for each piece.
package final class WakeRound {
    private var targets: [any Wakeable] = []

    /// Where a thread's round is; nil: the system has no more such places, so that nothing is put off.
    private static let key: pthread_key_t? = {
        var key = pthread_key_t()
        return pthread_key_create(&key, nil) == 0 ? key : nil
    }()

    private init() {}

    /// Runs `body`; what it wants woken by ``wake(_:)``, on this thread, is woken once when it returns.
    package static func run(_ body: () -> Void) {
        guard let key, pthread_getspecific(key) == nil else { return body() }
        let round = WakeRound()
        pthread_setspecific(key, Unmanaged.passUnretained(round).toOpaque())
        withExtendedLifetime(round, body)
        pthread_setspecific(key, nil)
        for target in round.targets { target.wakeUp() }
    }

    /// Wakes `target`: at the end of the round that this thread is in, or at once.
    package static func wake(_ target: any Wakeable) {
        guard let key, let place = pthread_getspecific(key) else { return target.wakeUp() }
        let round = Unmanaged<WakeRound>.fromOpaque(place).takeUnretainedValue()
        if !round.targets.contains(where: { $0 === target }) { round.targets.append(target) }
    }
}
