// Lets a bounded number of fills run at a time; the others wait for their turn.

import HTTP
import Synchronization

/// The places of one cache's fills, and the line in front of them.
///
/// A fill offers its place while it has nothing to do or nobody reads it, and is then ended if somebody else needs it. So a
/// place is held by what brings octets to who wants them, or waits for an origin that its client's timeouts bound: the
/// line always moves.
final class FillTurns: Sendable {
    typealias Places = FillPlaces<CheckedContinuation<Bool?, Never>>
    typealias Place = Places.Place

    private struct State {
        var places: Places
        /// How to have an offered place given up: false if it is needed after all.
        var owners: [Place: @Sendable () -> Bool] = [:]
    }

    private let state: Mutex<State>

    /// At most `placesMax` fills at a time and `waitingMax` in line.
    init(placesMax: Int, waitingMax: Int) {
        state = Mutex(State(places: Places(placesMax: placesMax, waitingMax: waitingMax)))
    }

    /// How many have a place, and how many wait.
    var counts: (places: Int, waiting: Int) { state.withLock { ($0.places.count, $0.places.waiting) } }

    /// Somebody who may want a place; to be left at the end, whatever became of it.
    func newPlace() -> Place { state.withLock { $0.places.newPlace() } }

    /// Returns once the place is had; one that is had already is needed from now on.
    ///
    /// Throws ``FillRefusal`` if too many wait and this one does not go on with what it had begun, CancellationError if the
    /// task is cancelled or the place is left while it waits.
    func enter(_ place: Place, goesOn: Bool = false) async throws {
        try Task.checkCancellation()
        if state.withLock({ $0.places.enterAtOnce(place) }) { return }
        let isIn = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool?, Never>) in
                switch state.withLock({ $0.places.enter(place, continuation, goesOn: goesOn) }) {
                case .entered: continuation.resume(returning: true)
                case .refused: continuation.resume(returning: nil)
                case .waits:
                    askForOffers()
                    // Cancelled before it was in line.
                    if Task.isCancelled { leave(place) }
                }
            }
        } onCancel: {
            leave(place)
        }
        guard let isIn else { throw FillRefusal() }
        try Task.checkCancellation()
        if !isIn { throw CancellationError() }
    }

    /// How `place` stands, and whether somebody waits for one.
    func look(_ place: Place) -> (standing: Places.Standing, isWanted: Bool) {
        state.withLock { ($0.places.standing(of: place), $0.places.waiting > 0) }
    }

    /// Offers the place to whoever wants it; `giveUp` is called then, and says whether it does give up what it has it for.
    func offer(_ place: Place, giveUp: @escaping @Sendable () -> Bool) {
        state.withLock { state in
            state.places.offer(place)
            state.owners[place] = giveUp
        }
        askForOffers()
    }

    /// Gives the place back, or leaves the line.
    func leave(_ place: Place) {
        let (left, entering) = state.withLock { state in
            state.owners[place] = nil
            return state.places.leave(place)
        }
        left?.resume(returning: false)
        for waiter in entering { waiter.resume(returning: true) }
    }

    /// Has offered places given up until nobody waits, or none are left.
    private func askForOffers() {
        while true {
            let found: (place: Place, giveUp: (@Sendable () -> Bool)?)? = state.withLock { state in
                state.places.takeOffer().map { ($0, state.owners.removeValue(forKey: $0)) }
            }
            guard let (place, giveUp) = found else { return }
            if giveUp?() ?? true { leave(place) }
        }
    }
}

/// Too many questions and fills wait for their turn.
struct FillRefusal: Error, GatewayFailure {
    var gatewayStatus: Int { 503 }
    var proxyStatusError: String { "connection_limit_reached" }
}
