// What a segment holds, as it was committed: runs of octets, each with its checksum.

/// Octets that became a fact together, as offsets within the body, all in one segment.
package struct StoredRun: Sendable, Equatable {
    package var range: Range<Int64>
    /// ``Checksum`` of the octets.
    package var checksum: UInt64

    package init(range: Range<Int64>, checksum: UInt64) {
        self.range = range
        self.checksum = checksum
    }
}

/// The runs of one segment, ascending and disjoint; the meaning of ``StoreChange/extents(_:_:adding:)`` in one place.
package struct SegmentRuns: Sendable, Equatable {
    /// A run, and in which era of the store it was written or last checked.
    package struct Entry: Sendable, Equatable {
        package var run: StoredRun
        /// Counts the times that the system went down while the store was in use.
        package var era: Int64

        package init(run: StoredRun, era: Int64) {
            self.run = run
            self.era = era
        }
    }

    /// Runs kept of one segment: what comes beyond them is held by the process, but never a fact.
    package static let runsMax = 4096

    package private(set) var entries: [Entry] = []

    package init() {}

    /// The runs of `entries`, whose ranges ascend and are disjoint.
    package init(entries: [Entry]) {
        self.entries = entries
    }

    /// How many octets are held.
    package var count: Int64 { entries.reduce(0) { $0 + Int64($1.run.range.count) } }

    /// The octets held, touching runs in one range.
    package var extents: [Range<Int64>] { ExtentMap(entries.lazy.map(\.run.range)).ranges }

    /// The runs that were neither written nor checked in `era`.
    package func suspects(in era: Int64) -> [StoredRun] {
        entries.filter { $0.era != era }.map(\.run)
    }

    /// Forgets the runs that are not wholly in `held`, and adds `runs`, which replace those that they overlap.
    package mutating func update(held: [Range<Int64>], adding runs: [StoredRun], era: Int64) {
        let heldExtents = ExtentMap(held)
        entries.removeAll { entry in
            !heldExtents.contains(entry.run.range) || runs.contains { $0.range.overlaps(entry.run.range) }
        }
        for run in runs.sorted(by: { $0.range.lowerBound < $1.range.lowerBound })
        where entries.count < Self.runsMax && !run.range.isEmpty {
            let index = entries.firstIndex { $0.run.range.lowerBound > run.range.lowerBound } ?? entries.count
            guard index == 0 || entries[index - 1].run.range.upperBound <= run.range.lowerBound else { continue }
            entries.insert(Entry(run: run, era: era), at: index)
        }
    }
}
