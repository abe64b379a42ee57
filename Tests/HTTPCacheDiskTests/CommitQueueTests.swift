// Group commit without a database: who starts the writer, what goes together.

import HTTPCache
import Testing

@testable import HTTPCacheDisk

@Suite struct CommitQueueTests {
    @Test func `one writer takes what came meanwhile in groups of a limited size`() async throws {
        var queue = CommitQueue(changesMax: 10)
        var counts: [[Int]] = []
        #expect(try await add(1, to: &queue) == .startWriter)
        #expect(group(&queue, &counts))
        for size in [4, 6, 1, 10, 11, 1] { #expect(try await add(size, to: &queue) == .wait) }
        while group(&queue, &counts) {}
        #expect(counts == [[1], [4, 6], [1], [10], [11], [1]])
        #expect(try await add(1, to: &queue) == .startWriter)
    }

    @Test func `a closed queue refuses and gives out what it has`() async throws {
        var queue = CommitQueue(changesMax: 10)
        var counts: [[Int]] = []
        #expect(try await add(1, to: &queue) == .startWriter)
        let closings = [queue.close(), queue.close()]
        #expect(closings == [true, false])
        #expect(try await add(1, to: &queue) == .refuse)
        #expect(group(&queue, &counts))
        #expect(!group(&queue, &counts))
    }

    private func add(_ size: Int, to queue: inout CommitQueue) async throws -> CommitQueue.Action {
        var action: CommitQueue.Action?
        try await withCheckedThrowingContinuation { continuation in
            let changes = [StoreChange](repeating: .touch([]), count: size)
            action = queue.add(PendingCommit(changes: changes, continuation: continuation))
            continuation.resume()
        }
        return try #require(action)
    }

    private func group(_ queue: inout CommitQueue, _ counts: inout [[Int]]) -> Bool {
        let group = queue.nextGroup()
        if !group.isEmpty { counts.append(group.map(\.changes.count)) }
        return !group.isEmpty
    }
}
