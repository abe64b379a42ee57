// Senders and receivers that are killed at any point, on a network that loses, doubles and reorders: nothing is lost.

import Chat
import Testing

@Suite struct DeliveryModelTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `in memory, each message is shown exactly once and in order`(_ seed: UInt64) async throws {
        let model = try DeliveryModel(seed: seed, kind: .memory)
        try await model.run()
    }

    @Test(arguments: 1001...1008 as ClosedRange<UInt64>)
    func `on disk, each message is shown exactly once and in order`(_ seed: UInt64) async throws {
        let model = try DeliveryModel(seed: seed, kind: seed.isMultiple(of: 2) ? .sqlite : .sqliteWithoutHistory)
        try await model.run()
    }
}
