// Which messages were taken already, beside a set that remembers the same.

import TestSupport
import Testing

@testable import PeerNetwork

@Suite struct SeenMessagesTests {
    private static func id(_ number: Int) -> MessageID {
        MessageID(ofPacked: withUnsafeBytes(of: number) { Array($0) }[...])
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `what was inserted is there until its second has passed, and nothing else`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var seen = SeenMessages(countMax: 100_000, secret: generator.next())
        var model: [Int: Int64] = [:]
        for now in 0..<200 as Range<Int64> {
            seen.forget(before: now)
            model = model.filter { $0.value >= now }
            // Thousands come and nearly all go again: the table grows and shrinks.
            for _ in 0..<Int.random(in: 0...(now % 50 < 10 ? 400 : 3), using: &generator) {
                let (number, until) = (Int.random(in: 0..<5000, using: &generator), now + Int64(generator.next() % 9))
                #expect(seen.insert(Self.id(number), until: until) == (model[number] == nil))
                if model[number] == nil {
                    model[number] = until
                    seen.setPlace(UInt32(number), of: Self.id(number))
                }
            }
            #expect(seen.count == model.count, "seed \(seed)")
            let looked = (0..<50).map { _ in Int.random(in: 0..<5000, using: &generator) }
            #expect(looked.allSatisfy { seen.contains(Self.id($0)) == (model[$0] != nil) }, "seed \(seed)")
            let places = looked.map { seen.place(of: Self.id($0)) }
            #expect(zip(looked, places).allSatisfy { $1 == (model[$0] == nil ? nil : UInt32($0)) }, "seed \(seed)")
        }
    }

    @Test func `what is dated ahead takes at most half of the room, until it is forgotten`() {
        var seen = SeenMessages(countMax: 100, secret: 7)
        var taken = 0
        while seen.hasRoomAhead {
            _ = seen.insert(Self.id(taken), until: 1000, isAhead: true)
            taken += 1
        }
        #expect(taken == 50)
        seen.forget(before: 1001)
        #expect(seen.hasRoomAhead)
    }

    @Test func `of too many those go first that are forgotten first`() {
        var seen = SeenMessages(countMax: 100, secret: 7)
        for number in 0..<100 {
            let isNew = seen.insert(Self.id(number), until: Int64(number / 10))
            #expect(isNew)
        }
        let isNew = seen.insert(Self.id(100), until: 50)
        #expect(isNew)
        #expect((0...100).filter { seen.contains(Self.id($0)) } == Array(10...100))
    }
}
