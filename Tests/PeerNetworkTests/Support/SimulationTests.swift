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

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `what was said while a mesh was divided for half a minute, and its links broke, is heard by all`(
        _ seed: UInt64
    ) {
        #expect(MeshRun.playDivided(nodes: 40, messages: 30, seconds: 30, seed: seed) == 30)
    }

    @Test func `the same seed is the same network`() {
        let outcomes = (0..<2).map { _ in MeshRun.play(nodes: 60, messages: 2, seed: 7) }
        #expect(outcomes[0].copiesPerNode == outcomes[1].copiesPerNode && outcomes[0].rounds == outcomes[1].rounds)
    }

    @Test func `a ring is one, a key is a few steps away, and nothing is lost while seven of eight in a row die`() {
        var ring = ChordRun(nodes: 32, seed: 1, settleSeconds: 20)
        #expect(ring.rightSuccessors == 32)
        let hops = ring.hops(lookUps: 50)
        #expect(hops > 0.5 && hops <= 0.5 * 5 + 0.9)
        let told = ring.fill(40)
        ring.pass(seconds: 15)
        let (lost, found) = ring.thin(keys: 40, run: 8)
        #expect(told == 40 && lost == 0 && found == 40)
        #expect(ring.rightSuccessors == 4)
    }

    @Test func `values are found while nodes come and go`() {
        var ring = ChordRun(nodes: 24, seed: 3, settleSeconds: 20)
        let told = ring.fill(50)
        let (right, wrong) = ring.churn(keys: 50, lookUps: 100, seconds: 10, medianSeconds: 60)
        #expect(told == 50 && right > 80 && wrong == 0)
    }

    @Test func `rings that were divided are one again, with what both were told`() {
        var ring = ChordRun(nodes: 16, seed: 1, settleSeconds: 10)
        let before = ring.fill(20)
        let between = ring.divide(keys: 20..<40)
        let found = ring.find(40)
        #expect(before == 20 && between == 20 && found == 40)
        #expect(ring.rightSuccessors == 16)
    }

    @Test func `tables that were divided are equal again within two seconds and three round trips`() {
        for seed in 0..<6 as Range<UInt64> {
            let milliseconds = SyncRun.play(nodes: 20, seed: seed)
            #expect(milliseconds.map { $0 <= 2000 + 3 * 100 } == true, "seed \(seed): \(milliseconds ?? -1)")
        }
    }

    @Test func `tables become equal although links break, clocks are off, and messages come twice or out of turn`() {
        for seed in 100..<106 as Range<UInt64> {
            #expect(SyncRun.play(nodes: 12, seed: seed, isRough: true) != nil, "seed \(seed)")
        }
    }
}
