// Who has used how much: one time for each party, so that a party at rest costs nothing.

import HTTP

/// Budgets of many parties, counted by the generic cell rate algorithm: for each the time at which it is whole again.
///
/// At most so many parties are counted apart; when all of these are in use, the others share one budget.
struct BudgetTable<Party: Hashable & Sendable>: Sendable {
    private var wholeAt: [Party: Timestamp] = [:]
    private var othersWholeAt = Timestamp.earliest
    private var insertionsToSweep: Int
    private let partiesMax: Int

    /// No party has used anything.
    init(partiesMax: Int) {
        self.partiesMax = max(1, partiesMax)
        insertionsToSweep = self.partiesMax
    }

    /// Uses one of a party's budget; nil if that was granted, else the seconds after which it is worth another try.
    mutating func take(for party: Party, of budget: Budget, now: Timestamp) -> Int64? {
        let interval = Int64(1_000_000_000 / max(budget.perSecond, 1e-6))
        let (product, overflow) = interval.multipliedReportingOverflow(by: Int64(max(0, budget.burst - 1)))
        let isKnown = wholeAt[party] != nil || makeRoom(now)
        let whole = max(isKnown ? wholeAt[party] ?? .earliest : othersWholeAt, now)
        let excess = whole.nanosecondsSince(now) - (overflow ? .max : product)
        guard excess <= 0 else { return (excess + 999_999_999) / 1_000_000_000 }
        let next = whole.advanced(byNanoseconds: interval)
        if isKnown { wholeAt[party] = next } else { othersWholeAt = next }
        return nil
    }

    /// Whether another party can be counted apart; looks for parties at rest once in many calls.
    private mutating func makeRoom(_ now: Timestamp) -> Bool {
        insertionsToSweep -= 1
        if insertionsToSweep <= 0 {
            wholeAt = wholeAt.filter { $0.value > now }
            insertionsToSweep = max(partiesMax - wholeAt.count, partiesMax / 8 + 1)
        }
        return wholeAt.count < partiesMax
    }
}
