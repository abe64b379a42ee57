// What is asked of the origin: each octet once, however many clients want it and whichever of them leave.

import Glibc
import HTTP
import TestSupport
import Testing

@Suite struct FetchOnceTests {
    private static let bytes: Int64 = 256 << 20

    @Test func `200 clients with overlapping random ranges cost the origin what they asked for, once`() async throws {
        let medium = Medium(count: Self.bytes, seed: 7)
        let origin = try ScriptedOrigin(file: OriginFile(medium))
        defer { origin.stop() }
        let directory = try TemporaryDirectory()
        let cdn = try await RunningCDN.start("\(origin.url)/film.mp4", store: directory.path)
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let asked = (0..<200).map { index in
            let start = Int64.random(in: 0..<Self.bytes, using: &generator)
            let end = min(Self.bytes, start + Int64.random(in: 1...(4 << 20), using: &generator))
            return (range: start..<end, isLeaving: index.isMultiple(of: 5))
        }
        try await CDNClient.run(cdn) { client async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (range, isLeaving) in asked {
                    group.addTask { () async throws in
                        let response = try await client.get(range: range)
                        #expect(response.status == 206)
                        if isLeaving {
                            response.body.cancel()
                        } else {
                            let count = try await client.check(response, against: medium, from: range.lowerBound)
                            #expect(count == range.count)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let unique = Self.union(asked.map(\.range))
        #expect(Double(origin.bodyOctetsSentInTotal) <= Double(unique) * 1.001)
        try await cdn.stop()
    }

    @Test func `a second reading asks for no body, and neither does one after kill -9`() async throws {
        let medium = Medium(count: 40 << 20, seed: 8)
        let origin = try ScriptedOrigin(file: OriginFile(medium))
        defer { origin.stop() }
        let directory = try TemporaryDirectory()
        for round in 0..<3 {
            let cdn = try await RunningCDN.start("\(origin.url)/film.mp4", store: directory.path)
            try await CDNClient.run(cdn) { client async throws in
                let count = try await client.check(try await client.get(), against: medium)
                #expect(count == medium.count)
            }
            #expect(origin.bodyOctetsSentInTotal == medium.count, "round \(round)")
            // The end of the body is a fact a moment after its last octet went out; a second answer waits for it.
            try await CDNClient.run(cdn) { client async throws in _ = try await client.get(range: 0..<1) }
            try await cdn.stop(by: round == 0 ? SIGKILL : SIGTERM)
        }
    }

    @Test func `an object larger than the store streams whole, and memory stays small`() async throws {
        let medium = Medium(count: 1 << 30, seed: 9)
        let origin = try ScriptedOrigin(file: OriginFile(medium))
        defer { origin.stop() }
        let directory = try TemporaryDirectory()
        let cdn = try await RunningCDN.start(
            "\(origin.url)/film.mp4",
            store: directory.path,
            "--store-size",
            "128MiB",
            "--memory",
            "16MiB"
        )
        try await CDNClient.run(cdn) { client async throws in
            let count = try await client.check(try await client.get(), against: medium)
            #expect(count == medium.count)
            let late = try await client.get(range: 1000..<2000)
            #expect(try await client.check(late, against: medium, from: 1000) == 1000)
        }
        #expect(try cdn.residentBytesPeak() < 116 << 20)
        try await cdn.stop()
    }

    private static func union(_ ranges: [Range<Int64>]) -> Int64 {
        var total: Int64 = 0
        var end: Int64 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            total += max(0, range.upperBound - max(end, range.lowerBound))
            end = max(end, range.upperBound)
        }
        return total
    }
}
