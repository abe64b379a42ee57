// The slots of present peers in order of their names: what a listing walks along.

/// A sorted list of slots in runs of at most ``runMax``, so that adding one moves few.
struct NameOrder {
    private var runs: [[UInt32]] = []

    /// Slots in a run; a full one is halved.
    static let runMax = 512

    /// Adds a slot; `isBefore` says whether a slot's name is before the new one.
    mutating func insert(_ slot: Int, isBefore: (Int) -> Bool) {
        let new = UInt32(truncatingIfNeeded: slot)
        guard !runs.isEmpty else { return runs.append([new]) }
        let run = max(0, runIndex(after: isBefore) - 1)
        runs[run].insert(new, at: NameOrder.position(in: runs[run], after: isBefore))
        guard runs[run].count > NameOrder.runMax else { return }
        let half = runs[run].count / 2
        let upper = Array(runs[run][half...])
        runs[run].removeSubrange(half...)
        runs.insert(upper, at: run + 1)
    }

    /// Takes a slot out; `isBefore` says whether a slot's name is before its own.
    mutating func remove(_ slot: Int, isBefore: (Int) -> Bool) {
        for run in max(0, runIndex(after: isBefore) - 1)..<runs.count {
            let position = NameOrder.position(in: runs[run], after: isBefore)
            guard position < runs[run].count else { continue }
            guard runs[run][position] == UInt32(truncatingIfNeeded: slot) else { return }
            runs[run].remove(at: position)
            if runs[run].isEmpty { runs.remove(at: run) }
            return
        }
    }

    /// The slots from the first on that is not before, at most `limit`.
    func slots(from isBefore: (Int) -> Bool, limit: Int) -> [Int] {
        var found: [Int] = []
        guard limit > 0 else { return found }
        let first = max(0, runIndex(after: isBefore) - 1)
        for run in first..<max(first, runs.count) {
            let start = run == first ? NameOrder.position(in: runs[run], after: isBefore) : 0
            for slot in runs[run][start...] {
                found.append(Int(slot))
                if found.count == limit { return found }
            }
        }
        return found
    }

    /// How many runs begin before.
    private func runIndex(after isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            // No run is empty.
            if let first = runs[middle].first, isBefore(Int(first)) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func position(in run: [UInt32], after isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (0, run.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(Int(run[middle])) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
