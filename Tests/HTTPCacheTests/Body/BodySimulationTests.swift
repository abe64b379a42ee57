// Random schedules of one body's readers and fills.

import TestSupport
import Testing

@Suite struct BodySimulationTests {
    static let settings: [BodySimulation.Setting] = [
        .init(),
        .init(evicts: false, fails: false),
        .init(isInline: true),
        .init(isLengthKnown: false),
        .init(isLengthKnown: false, isInline: true, fails: false),
        .init(isResumable: false),
        .init(isLengthKnown: false, isResumable: false, evicts: false, fails: false),
        .init(isResumable: false, isInline: true, evicts: false, fails: false),
        .init(isTight: true),
        .init(isLengthKnown: false, isTight: true),
        .init(isResumable: false, evicts: false, fails: false, isTight: true),
    ]

    @Test(arguments: settings)
    func `readers get their octets in order, each is fetched once, and nobody waits for ever`(
        _ setting: BodySimulation.Setting
    ) {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed) (\(setting))")
        var generator = SeededGenerator(seed: seed)
        var cleanEnds = 0
        var failures = 0
        for _ in 0..<60 {
            let runSeed = generator.next()
            var simulation = BodySimulation(setting, seed: runSeed)
            do {
                try simulation.run(steps: 250)
            } catch {
                Issue.record("run \(runSeed) of seed \(seed), \(setting): \(error)")
                return
            }
            cleanEnds += simulation.cleanEnds
            failures += simulation.failures
        }
        // What is evicted and cannot be fetched again lets hardly anybody end well.
        if setting.isResumable || !setting.evicts { #expect(cleanEnds > 0) }
        // Without a fault at the origin nobody fails, whatever the order of things.
        if !setting.fails, !setting.evicts { #expect(failures == 0) }
    }
}
