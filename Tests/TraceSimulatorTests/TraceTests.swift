// Traces: from a seed, and from files as libCacheSim writes them.

import Foundation
import TestSupport
import Testing

@testable import trace_simulator

@Suite struct TraceTests {
    @Test func `objects are numbered as they come, and the next use is known`() {
        let trace = Trace("test", isMedia: false, keys: [7, 9, 7, 7, 3], size: { Int64($0) * 10 })
        #expect(trace.requests == [0, 1, 0, 0, 2])
        #expect(trace.sizes == [70, 90, 30])
        #expect(trace.nextUses == [2, .max, 3, .max, .max])
        #expect(trace.workingSetBytes == 190)
    }

    @Test func `the same seed makes the same traces, another one others`() {
        for (index, (name, make)) in SyntheticTraces(seed: 3, count: 8000).all.enumerated() {
            let trace = make()
            #expect(trace.requests.count >= 8000 && trace.name == name)
            #expect(SyntheticTraces(seed: 3, count: 8000).all[index].make().requests == trace.requests, "\(name)")
            // The loop has nothing that could be random.
            if name == "loop" { continue }
            #expect(SyntheticTraces(seed: 4, count: 8000).all[index].make().requests != trace.requests, "\(name)")
        }
    }

    @Test func `sessions end as they were measured to`() {
        var sessions = FilmSessions(seed: 1, titles: 100, alpha: 0.8, fadingAfter: nil)
        let keys = (0..<200_000).map { _ in sessions.next() }
        // Of those who begin, 53 in a hundred are gone after ten minutes, which are 22 segments; some titles end before.
        let first = keys.filter { $0 & 0xffff == 0 }.count
        let later = keys.filter { $0 & 0xffff == 23 }.count
        let share = Double(later) / Double(first)
        #expect(share > 0.42 && share < 0.53, "\(share)")
    }

    @Test func `a record of a file has 24 octets in the order of the format`() throws {
        let directory = try TemporaryDirectory()
        let record: [UInt8] =
            [1, 0, 0, 0] + [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11] + [0, 2, 0, 0]
            + [255, 255, 255, 255, 255, 255, 255, 255]
        let path = try directory.write(record + record, to: "two")
        let trace = try OracleGeneral.read(path, requestsMax: 10)
        #expect(trace.requests == [0, 0])
        #expect(trace.sizes == [512])
        #expect(trace.segments.first?.body == 0x1122_3344_5566_7788)
        #expect(try OracleGeneral.read(path, requestsMax: 1).requests == [0])
    }

    @Test(arguments: [0, 23, 25]) func `a file that is not of records of 24 octets is refused`(_ count: Int) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([UInt8](repeating: 0, count: count), to: "bad")
        #expect(throws: SimulatorError.self) { try OracleGeneral.read(path, requestsMax: 10) }
        #expect(throws: SimulatorError.self) { try OracleGeneral.read(path + "-missing", requestsMax: 10) }
    }

    @Test func `a trace that is written comes back, packed or not`() throws {
        let directory = try TemporaryDirectory()
        let trace = try #require(SyntheticTraces(seed: 1, count: 8000).all.first).make()
        let path = directory.file("trace")
        try OracleGeneral.write(trace, to: path)
        let read = try OracleGeneral.read(path, requestsMax: 1_000_000)
        #expect(read.requests == trace.requests)
        #expect(read.sizes == trace.sizes)
        guard Self.hasZstd else { return }
        try Self.pack(path)
        let unpacked = try OracleGeneral.read(path + ".zst", requestsMax: 1_000_000)
        #expect(unpacked.requests == trace.requests)
        #expect(try OracleGeneral.read(path + ".zst", requestsMax: 100).requests.count == 100)
    }

    private static let hasZstd = FileManager.default.isExecutableFile(atPath: "/usr/bin/zstd")

    private static func pack(_ path: String) throws {
        let process = try Process.run(URL(fileURLWithPath: "/usr/bin/zstd"), arguments: ["-q", path])
        process.waitUntilExit()
    }
}
