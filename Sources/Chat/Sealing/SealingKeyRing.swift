// The sealing keys that are held now: this hour's, and for ten minutes those before.

package import HTTP
package import PeerIdentity
import Synchronization

/// Makes sealing keys at start and hourly and forgets the old ones ten minutes later; in memory only.
///
/// It reads no clock: who owns it calls ``turn(at:)`` when ``nextTurn`` has come, and publishes what that returns.
package final class SealingKeyRing: Sendable {
    /// How long keys live.
    package struct Configuration: Sendable {
        /// How long a pair is published, in seconds; 1 h.
        package var lifetimeSeconds: Int64 = 3_600
        /// How long a pair still opens after the next one was made, in seconds; 10 min.
        package var graceSeconds: Int64 = 600
        /// How many retired pairs are held at most, whatever the times say.
        package var retiredMax = 8

        package init() {}
    }

    private struct Retired {
        let keys: SealingKeys
        let dropsAt: Timestamp
    }

    private struct State {
        var current: SealingKeys
        var turnsAt: Timestamp
        var retired: [Retired] = []
    }

    private let configuration: Configuration
    private let make: @Sendable () throws(SealingError) -> SealingKeys
    private let state: Mutex<State>

    /// A ring with its first keys.
    ///
    /// - Parameters:
    ///   - now: The present.
    ///   - configuration: How long keys live.
    ///   - make: Makes new keys.
    /// - Throws: What `make` throws.
    package init(
        at now: Timestamp,
        configuration: Configuration = Configuration(),
        make: @escaping @Sendable () throws(SealingError) -> SealingKeys = { () throws(SealingError) in
            try SealingKeys()
        }
    ) throws(SealingError) {
        self.configuration = configuration
        self.make = make
        let keys = try make()
        let turnsAt = now.advanced(bySeconds: configuration.lifetimeSeconds)
        state = Mutex(State(current: keys, turnsAt: turnsAt))
    }

    /// The keys to publish now.
    package var publicSet: SealingKeySet { state.withLock { $0.current.publicSet } }

    /// When ``turn(at:)`` has something to do next.
    package var nextTurn: Timestamp {
        state.withLock { state in
            state.retired.map(\.dropsAt).reduce(state.turnsAt, min)
        }
    }

    /// Drops what is too old and makes new keys if the hour is over.
    ///
    /// - Parameter now: The present.
    /// - Returns: The new keys to publish, if there are new ones.
    /// - Throws: ``SealingError`` `failed`; the old keys then stay.
    package func turn(at now: Timestamp) throws(SealingError) -> SealingKeySet? {
        let isDue = state.withLock { state in
            // A clock that was set back must not lengthen a key's life: a time beyond the longest is over.
            let dropsMax = now.advanced(bySeconds: configuration.graceSeconds)
            state.retired.removeAll { $0.dropsAt <= now || $0.dropsAt > dropsMax }
            return isOver(state.turnsAt, at: now)
        }
        guard isDue else { return nil }
        let keys = try make()
        return state.withLock { state in
            // Another call may have been quicker; its keys are then the ones to publish.
            guard isOver(state.turnsAt, at: now) else { return state.current.publicSet }
            let dropsAt = now.advanced(bySeconds: configuration.graceSeconds)
            state.retired.append(Retired(keys: state.current, dropsAt: dropsAt))
            if state.retired.count > configuration.retiredMax { state.retired.removeFirst() }
            state.current = keys
            state.turnsAt = now.advanced(bySeconds: configuration.lifetimeSeconds)
            return keys.publicSet
        }
    }

    private func isOver(_ turnsAt: Timestamp, at now: Timestamp) -> Bool {
        turnsAt <= now || turnsAt > now.advanced(bySeconds: configuration.lifetimeSeconds)
    }

    /// The keys that a body names, if they are held and not too old.
    package func keys(for header: SealingHeader, at now: Timestamp) -> SealingKeys? {
        state.withLock { state in
            if state.current.id(of: header.suite) == header.keyID { return state.current }
            return state.retired.first { $0.dropsAt > now && $0.keys.id(of: header.suite) == header.keyID }?.keys
        }
    }
}
