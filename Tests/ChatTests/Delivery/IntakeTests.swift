// What waits to be written down together.

import PeerIdentity
import Testing

@testable import Chat

@Suite struct IntakeTests {
    /// Adds what callers wrote, so many drafts each; returns the groups that come of it, and who waited at the end.
    private func outcome(
        of counts: [Int],
        draftsMax: Int,
        closes: Bool = false
    ) async throws -> (groups: [[Int]], left: Int) {
        let alice = try PeerIdentifier("Alice")
        var intake = Intake(draftsMax: draftsMax)
        var groups: [[Int]] = []
        var left = 0
        for count in counts {
            let drafts = (0..<count).map { Draft(text: "\($0)", recipients: [alice], writtenAtMilliseconds: 1) }
            _ = await withCheckedContinuation { continuation in
                let isTaken = intake.add(IntakeTicket(drafts: drafts, continuation: continuation))
                #expect(isTaken)
                // Nobody waits in a test.
                continuation.resume(returning: .success(()))
            }
        }
        #expect(intake.draftCount == counts.reduce(0, +))
        if closes { left = intake.close().count }
        while true {
            let group = intake.nextGroup()
            if group.isEmpty { break }
            groups.append(group.map(\.drafts.count))
        }
        #expect(intake.draftCount == 0)
        return (groups, left)
    }

    @Test func `callers share a transaction up to its size, and none is split`() async throws {
        #expect(try await outcome(of: [3, 4, 3], draftsMax: 10).groups == [[3, 4, 3]])
        #expect(try await outcome(of: [3, 4, 4], draftsMax: 10).groups == [[3, 4], [4]])
        #expect(try await outcome(of: [11, 1], draftsMax: 10).groups == [[11], [1]])
        #expect(try await outcome(of: [1, 11, 1], draftsMax: 10).groups == [[1], [11], [1]])
    }

    @Test func `after the end nothing is taken, and who waited is told`() async throws {
        let ended = try await outcome(of: [1, 2, 3], draftsMax: 10, closes: true)
        #expect(ended.groups == [] && ended.left == 3)
        var intake = Intake(draftsMax: 10)
        _ = intake.close()
        _ = await withCheckedContinuation { continuation in
            let isTaken = intake.add(IntakeTicket(drafts: [], continuation: continuation))
            #expect(!isTaken)
            continuation.resume(returning: .success(()))
        }
    }
}
