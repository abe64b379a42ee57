// Values of msgpack, at the lengths where their form changes, and octets that are no values.

import TestSupport
import Testing

@testable import PeerNetwork

@Suite struct MessageValueTests {
    @Test(.timeLimit(.minutes(5)))
    func `a map of a quarter of a million entries is changed in so many at once, and equal keys change once`() {
        let count: Int64 = 250_000
        let old = MessageValue.map((0..<count).map { .init(.integer($0), "old") } + [.init(1, "twin")])
        let changes = (count / 2..<count * 3 / 2).map { MessageValue.Entry(.integer($0), "new") }
        guard case .map(let entries) = old.changed(by: changes + [.init(1, "first"), .init(-1, 1), .init(-1, 2)]) else {
            Issue.record("no map")
            return
        }
        #expect(entries.count == Int(count * 3 / 2) + 2)
        #expect(entries[1].value == "first" && entries[Int(count)].value == "twin" && entries.last?.value == 2)
        let odd = [MessageValue.Entry](repeating: .init(.double(.nan), 1), count: Int(count))
        #expect(MessageValue.map(odd).changed(by: odd)?.bytes == 32 + 2 * odd.count * 64)
    }

    private static func written(_ value: MessageValue) -> [UInt8] {
        var octets: [UInt8] = []
        value.write(to: &octets)
        return octets
    }

    private static func read(_ octets: [UInt8]) -> MessageValue? {
        var reader = MessageReader(octets[...])
        return reader.readValue()
    }

    @Test(
        arguments: [
            (0, [0x00]), (127, [0x7f]), (128, [0xcc, 0x80]), (255, [0xcc, 0xff]), (256, [0xcd, 0x01, 0x00]),
            (65_535, [0xcd, 0xff, 0xff]), (65_536, [0xce, 0, 1, 0, 0]),
            (4_294_967_296, [0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
            (-1, [0xff]), (-32, [0xe0]), (-33, [0xd0, 0xdf]), (-128, [0xd0, 0x80]), (-129, [0xd1, 0xff, 0x7f]),
            (-32_768, [0xd1, 0x80, 0x00]), (-32_769, [0xd2, 0xff, 0xff, 0x7f, 0xff]),
            (-2_147_483_649, [0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
        ] as [(Int64, [UInt8])]
    )
    func `a number has its shortest form`(_ number: Int64, _ octets: [UInt8]) {
        #expect(Self.written(.integer(number)) == octets)
        #expect(Self.read(octets) == .integer(number))
    }

    @Test func `the largest numbers are kept`() {
        for value in [MessageValue.unsigned(.max), .integer(.max), .integer(.min), .double(-0.0), .double(.infinity)] {
            #expect(Self.read(Self.written(value)) == value)
        }
    }

    @Test(arguments: [0, 1, 31, 32, 255, 256, 65_535, 65_536])
    func `texts, octets, arrays and maps have their shortest form`(_ count: Int) {
        let text = MessageValue.text(String(repeating: "x", count: count))
        let binary = MessageValue.binary([UInt8](repeating: 7, count: count))
        let array = MessageValue.array(Array(repeating: .null, count: count))
        let map = MessageValue.map((0..<count).map { MessageValue.Entry(.integer(Int64($0)), .null) })
        let heads = [text, binary, array, map].map { Self.written($0)[0] }
        let expected: [UInt8] =
            switch count {
            case ..<16: [0xa0 + UInt8(count), 0xc4, 0x90 + UInt8(count), 0x80 + UInt8(count)]
            case ..<32: [0xa0 + UInt8(count), 0xc4, 0xdc, 0xde]
            case ..<256: [0xd9, 0xc4, 0xdc, 0xde]
            case ..<65_536: [0xda, 0xc5, 0xdc, 0xde]
            default: [0xdb, 0xc6, 0xdd, 0xdf]
            }
        #expect(heads == expected)
        for value in [text, binary, array, map] { #expect(Self.read(Self.written(value)) == value) }
    }

    @Test func `long forms of short values are read`() {
        #expect(Self.read([0xcf, 0, 0, 0, 0, 0, 0, 0, 5]) == 5)
        #expect(Self.read([0xd3, 0, 0, 0, 0, 0, 0, 0, 5]) == 5)
        #expect(Self.read([0xdb, 0, 0, 0, 1, 0x61]) == "a")
        #expect(Self.read([0xca, 0x40, 0x60, 0, 0]) == .double(3.5))
        #expect(Self.read([0xd4, 0xff, 9]) == .extended(-1, [9]))
        #expect(Self.read([0xc7, 3, 1, 7, 8, 9]) == .extended(1, [7, 8, 9]))
    }

    @Test(
        arguments: [
            [], [0xc1], [0xa1], [0xa1, 0xff], [0xc4, 2, 1], [0x91], [0x81, 0xc0], [0xcb, 0, 0],
            [0xdd, 0xff, 0xff, 0xff, 0xff],
            [0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0], [0xc6, 0xff, 0xff, 0xff, 0xff], [0xd9],
        ] as [[UInt8]]
    )
    func `what is cut off, not UTF-8 or too long for what there is, is no value`(_ octets: [UInt8]) {
        #expect(Self.read(octets) == nil)
    }

    @Test func `values may be as deep as the limit, and no deeper`() {
        let most = MessageReader.depthMax
        #expect(Self.read([UInt8](repeating: 0x91, count: most) + [0xc0]) != nil)
        #expect(Self.read([UInt8](repeating: 0x91, count: most + 1) + [0xc0]) == nil)
    }

    @Test func `there may be as many values as the limit, and no more`() {
        func array(_ count: Int) -> [UInt8] {
            var octets: [UInt8] = [0xdd]
            octets.append(bigEndian: UInt64(count), byteCount: 4)
            return octets + [UInt8](repeating: 0xc0, count: count)
        }
        #expect(Self.read(array(MessageReader.valuesMax - 1)) != nil)
        #expect(Self.read(array(MessageReader.valuesMax)) == nil)
    }

    @Test func `random octets are read without harm, and what is read is written so that it is read again`() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let octets = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            guard let value = Self.read(octets) else { continue }
            let again = Self.read(Self.written(value))
            #expect(again == value || "\(value)".contains("nan"), "seed \(seed): \(octets)")
        }
    }
}
