// Networks of many nodes in one process, from one seed.

import PeerNetwork
import Testing

@testable import network_simulator

@Suite struct SimulationTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `every message is heard by every node of a mesh, sent to each hardly more than once`(_ seed: UInt64) {
        let outcome = MeshRun.play(nodes: 200, messages: 3, seed: seed)
        #expect(outcome.heardByAll == 3)
        #expect(outcome.copiesPerNode < 1.1)
        #expect(outcome.rounds < 15)
    }

    @Test func `the same seed is the same network`() {
        let outcomes = (0..<2).map { _ in MeshRun.play(nodes: 60, messages: 2, seed: 7) }
        #expect(outcomes[0].copiesPerNode == outcomes[1].copiesPerNode && outcomes[0].rounds == outcomes[1].rounds)
    }

    @Test func `tables that were divided are equal again within two seconds and three round trips`() {
        for seed in 0..<6 as Range<UInt64> {
            let milliseconds = SyncRun.play(nodes: 20, seed: seed)
            #expect(milliseconds.map { $0 <= 2000 + 3 * 100 } == true, "seed \(seed): \(milliseconds ?? -1)")
        }
    }
}
