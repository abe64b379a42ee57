// Who may have a body come from the origin, and who waits for that: pure, no clock, no task.

/// A bounded number of places, and a line of those who wait for one.
///
/// Who has a place either needs it or offers it: an offered place is kept until somebody else wants it. The methods say
/// whom to let in after the owner's lock. `Waiter` is a continuation, or a name in tests.
struct FillPlaces<Waiter> {
    /// One who has a place, wants one, or had one.
    struct Place: Hashable, Sendable {
        fileprivate let number: Int
    }

    /// How one stands.
    enum Standing: Equatable {
        case needed
        case offered
        /// In line, or without a place.
        case outside
    }

    /// What wanting a place leads to.
    enum Entry: Equatable {
        case entered
        /// Kept in line.
        case waits
        /// The line is full.
        case refused
    }

    private let placesMax: Int
    private let waitingMax: Int
    private var lastNumber = 0
    private var needed: Set<Place> = []
    /// The longest offered first.
    private var offered: [Place] = []
    private var line: [(place: Place, waiter: Waiter?)] = []
    private var lineStart = 0
    private var waitingCount = 0

    init(placesMax: Int, waitingMax: Int) {
        self.placesMax = max(1, placesMax)
        self.waitingMax = waitingMax
    }

    /// How many have a place, needed or offered.
    var count: Int { needed.count + offered.count }
    /// How many are in line.
    var waiting: Int { waitingCount }

    /// How `place` stands.
    func standing(of place: Place) -> Standing {
        needed.contains(place) ? .needed : offered.contains(place) ? .offered : .outside
    }

    /// Another one, without a place yet.
    mutating func newPlace() -> Place {
        lastNumber += 1
        return Place(number: lastNumber)
    }

    /// Takes the place, if there is one or it has it; false if it would have to wait.
    mutating func enterAtOnce(_ place: Place) -> Bool {
        if needed.contains(place) { return true }
        if let index = offered.firstIndex(of: place) {
            offered.remove(at: index)
            needed.insert(place)
            return true
        }
        guard waitingCount == 0, count < placesMax else { return false }
        needed.insert(place)
        return true
    }

    /// Takes the place, if there is one or it has it, else puts `waiter` in line; who goes on is never refused.
    mutating func enter(_ place: Place, _ waiter: Waiter, goesOn: Bool) -> Entry {
        if enterAtOnce(place) { return .entered }
        guard goesOn || waitingCount < waitingMax else { return .refused }
        line.append((place, waiter))
        waitingCount += 1
        return .waits
    }

    /// Offers a place that is had; it stays taken until ``takeOffer()``.
    mutating func offer(_ place: Place) {
        guard needed.remove(place) != nil else { return }
        offered.append(place)
    }

    /// Somebody waits: the place that was offered first, which its owner is to be asked for.
    ///
    /// It counts as needed until it is left.
    mutating func takeOffer() -> Place? {
        guard waitingCount > 0, !offered.isEmpty else { return nil }
        let place = offered.removeFirst()
        needed.insert(place)
        return place
    }

    /// Gives a place back, had or waited for; returns who was waiting for this one, and who comes in now.
    mutating func leave(_ place: Place) -> (left: Waiter?, entering: [Waiter]) {
        var left: Waiter?
        if needed.remove(place) == nil {
            if let index = offered.firstIndex(of: place) {
                offered.remove(at: index)
            } else if let index = line[lineStart...].firstIndex(where: { $0.place == place && $0.waiter != nil }) {
                left = line[index].waiter
                line[index].waiter = nil
                waitingCount -= 1
            }
        }
        var entering: [Waiter] = []
        while waitingCount > 0, count < placesMax {
            let (next, waiter) = line[lineStart]
            lineStart += 1
            guard let waiter else { continue }
            waitingCount -= 1
            needed.insert(next)
            entering.append(waiter)
        }
        tidy()
        return (left, entering)
    }

    /// Those who left the line are taken out of it when they are many.
    private mutating func tidy() {
        if waitingCount == 0 {
            line.removeAll(keepingCapacity: true)
            lineStart = 0
        } else if line.count > 2 * waitingCount + 64 {
            line = line[lineStart...].filter { $0.waiter != nil }
            lineStart = 0
        }
    }
}
