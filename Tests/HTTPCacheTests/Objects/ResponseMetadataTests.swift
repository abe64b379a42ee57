// The written form of a response's head: comes back as it was, and whatever else is read never traps.

import HTTP
import HTTPCache
import TestSupport
import Testing

@Suite struct ResponseMetadataTests {
    private static let sample = ResponseMetadata(
        status: 203,
        fields: ["ETag": "\"v1\"", "X-Empty": "", "Set-Cookie": "a=1", "set-cookie": "b=2"],
        selecting: ["Accept-Language": "de, fr;q=0.5"],
        requestTime: Timestamp(nanoseconds: 1_800_000_000_000_000_001),
        responseTime: Timestamp(nanoseconds: -1)
    )

    @Test func `it comes back as it was written`() {
        #expect(ResponseMetadata(encoded: Self.sample.encoded) == Self.sample)
        let empty = ResponseMetadata(
            status: 200,
            fields: [:],
            selecting: [:],
            requestTime: Timestamp(seconds: 0),
            responseTime: Timestamp(seconds: 0)
        )
        #expect(ResponseMetadata(encoded: empty.encoded) == empty)
    }

    @Test func `any fields come back as they were written`() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let metadata = ResponseMetadata(
                status: Int.random(in: 100...999, using: &generator),
                fields: Self.fields(using: &generator),
                selecting: Self.fields(using: &generator),
                requestTime: Timestamp(nanoseconds: Int64.random(in: .min ... .max, using: &generator)),
                responseTime: Timestamp(nanoseconds: Int64.random(in: .min ... .max, using: &generator))
            )
            let isSame = ResponseMetadata(encoded: metadata.encoded) == metadata
            #expect(isSame, "seed \(seed)")
        }
    }

    @Test func `what is cut anywhere, or longer by an octet, is not read`() {
        let encoded = Self.sample.encoded
        let read = (0..<encoded.count).filter { ResponseMetadata(encoded: Array(encoded[..<$0])) != nil }
        #expect(read == [])
        #expect(ResponseMetadata(encoded: encoded + [0]) == nil)
    }

    @Test func `another version is not read`() {
        for version in [0, 2, 255] as [UInt8] {
            #expect(ResponseMetadata(encoded: [version] + Self.sample.encoded.dropFirst()) == nil)
        }
    }

    @Test func `octets changed at random never trap, and what is read can be written and made a head of`() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            var bytes = Self.sample.encoded
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: bytes[index] = Bool.random(using: &generator) ? 0 : 255
                case 2: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: .min ... .max, using: &generator), at: index)
                }
            }
            guard let metadata = ResponseMetadata(encoded: bytes) else { continue }
            let isSame = metadata.encoded == bytes
            #expect(isSame, "seed \(seed)")
            _ = HeadSnapshot(metadata)
        }
    }

    private static func fields(using generator: inout SeededGenerator) -> Fields {
        var fields = Fields()
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            let name = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                UInt8.random(in: 0x61...0x7a, using: &generator)
            }
            let value = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                UInt8.random(in: 0x20...0xff, using: &generator)
            }
            fields.append(name: name, value: value)
        }
        return fields
    }
}
