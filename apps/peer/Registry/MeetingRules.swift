// Whom of those that a registry names a node looks up and dials: pure, no clock, no network.

import PeerIdentity

/// Chooses nodes by lot, as many as links are wanted; who was tried is left alone for a while, longer each time.
///
/// Times are seconds since any moment.
struct MeetingRules: Sendable {
    private struct Trial {
        var count = 0
        var due: Int64
    }

    /// Whoever was tried is left alone for 2 seconds, 4, 8, and so on up to this.
    static let pauseSecondsMax: Int64 = 60
    /// How often one more is tried although there are links enough, so that two halves of a network find each other.
    static let excursionSeconds: Int64 = 60

    private let linksMax: Int
    private var trials: [PeerIdentifier: Trial] = [:]
    private var excursionDue = excursionSeconds

    /// Of how many it is remembered that they were tried.
    var trialCount: Int { trials.count }

    /// `linksMax`: so many links are enough.
    init(linksMax: Int) {
        self.linksMax = linksMax
    }

    /// Those to be tried now, of `present`, by a node that has `links`.
    mutating func choose(
        from present: [PeerIdentifier],
        links: Int,
        at now: Int64,
        using generator: inout some RandomNumberGenerator
    ) -> [PeerIdentifier] {
        var missing = max(0, min(linksMax, present.count) - links)
        if now >= excursionDue {
            excursionDue = now + Self.excursionSeconds
            // Each link that is made so is there for good: without an end everybody would be linked to everybody.
            if missing == 0, links < 2 * linksMax { missing = 1 }
        }
        guard missing > 0 else { return [] }
        if trials.count > 2 * present.count {
            let names = Set(present)
            trials = trials.filter { names.contains($0.key) }
        }
        let chosen = present.filter { (trials[$0]?.due ?? now) <= now }.shuffled(using: &generator).prefix(missing)
        for peer in chosen {
            let count = trials[peer]?.count ?? 0
            let pause = min(Self.pauseSecondsMax, 2 << Int64(min(count, 16)))
            trials[peer] = Trial(count: count + 1, due: now + pause)
        }
        return Array(chosen)
    }

    /// A node has come, or come back, perhaps at another address.
    mutating func forget(_ peer: PeerIdentifier) {
        trials[peer] = nil
    }
}
