// The seeded fault injector between cache and origin: no body looks whole and is not, none is mixed, nobody waits for ever.

import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(20))) struct FaultInjectionTests {
    /// `WAYSTATION_TEST_LONG=1` asks for a hundred times as many.
    static let isLong = ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1"
    /// `WAYSTATION_FAULT_SEED=N` plays one episode again.
    static let fixedSeed = ProcessInfo.processInfo.environment["WAYSTATION_FAULT_SEED"].flatMap { UInt64($0) }

    @Test func `of a thousand fills with faults none makes a body that looks whole and is not`() async {
        if let seed = Self.fixedSeed {
            #expect(FaultEpisode.play(seed: seed).violations == [])
            return
        }
        let base = UInt64.random(in: .min ... .max)
        let total = FaultTotal(base: base, fillsMin: Self.isLong ? 100_000 : 1000)
        await withDiscardingTaskGroup { group in
            for _ in 0..<2 {
                group.addTask {
                    while let seed = total.nextSeed() { total.add(FaultEpisode.play(seed: seed)) }
                }
            }
        }
        let report = total.report
        print(
            "seeds from \(base): \(report.fills) fills, \(report.wholeBodies) bodies whole, \(report.brokenBodies) broken"
        )
        #expect(report.violations == [])
        #expect(report.faults.count == FaultyOrigin.Fault.allCases.count - 1)
        #expect(report.waitedForPlaces)
        #expect(report.wholeBodies > report.fills / 4 && report.brokenBodies > report.fills / 20)
    }
}

/// What all episodes together have shown, and which comes next.
private final class FaultTotal: Sendable {
    private let fillsMin: Int
    private let state: Mutex<(next: UInt64, report: FaultReport)>

    init(base: UInt64, fillsMin: Int) {
        self.fillsMin = fillsMin
        state = Mutex((base, FaultReport()))
    }

    var report: FaultReport { state.withLock { $0.report } }

    /// The seed of another episode; nil if there were enough, or too many that failed.
    func nextSeed() -> UInt64? {
        state.withLock { state in
            guard state.report.fills < fillsMin, state.report.violations.count < 10 else { return nil }
            state.next &+= 1
            return state.next
        }
    }

    func add(_ report: FaultReport) {
        state.withLock { $0.report += report }
    }
}
