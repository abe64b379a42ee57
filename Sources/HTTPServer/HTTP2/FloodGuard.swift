// An allowance that is used up by what a client need not do often, and grows again with time.

/// Counts down; a token bucket on the clock of the ticks.
struct FloodGuard: Sendable {
    private var left: Int
    private let most: Int
    private let perSecond: Int
    private var filledAt: Int64

    /// A full allowance of `most`, at `now` milliseconds.
    init(most: Int, perSecond: Int, now: Int64) {
        self.most = max(1, most)
        left = self.most
        self.perSecond = perSecond
        filledAt = now
    }

    /// Uses up one; false if there was none left.
    mutating func take() -> Bool {
        left -= 1
        return left >= 0
    }

    /// Gives back so many, for something that a client may well do.
    mutating func give(_ count: Int) {
        left = min(most, left + count)
    }

    /// Lets time pass.
    mutating func refill(now: Int64) {
        let gained = (now - filledAt) * Int64(perSecond) / 1000
        guard gained > 0 else { return }
        filledAt = now
        give(Int(gained))
    }
}
