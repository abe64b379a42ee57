// Segment files that are gone, cut or not readable when the cache starts: their octets are fetched again, others are not.

import Foundation
import HTTP
import HTTPCacheDisk
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct LostFileTests {
    private static let configuration: HTTPCacheConfiguration = {
        var configuration = HTTPCacheConfiguration()
        configuration.body.segmentBytes = 30_000
        configuration.body.inlineBytesMax = 3000
        return configuration
    }()

    enum Loss: String, CaseIterable, Sendable { case deleted, cut, empty, directory }

    @Test(arguments: Loss.allCases) func `a lost segment file costs its octets and no others`(_ loss: Loss) async throws
    {
        // 0 can be completed, 2 cannot.
        let media = (0..<3).map { Medium(count: 100_000, seed: $0 + 1) }
        try await withScratchDirectory { directory in
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            try await get(TruthfulOrigin(media), store)
            await store.close()
            let bodies = directory + "/bodies"
            for name in try FileManager.default.subpathsOfDirectory(atPath: bodies) where name.hasSuffix(".1") {
                let path = "\(bodies)/\(name)"
                switch loss {
                case .deleted: try FileManager.default.removeItem(atPath: path)
                case .cut: #expect(truncate(path, 10_000) == 0)
                case .empty: #expect(truncate(path, 0) == 0)
                case .directory:
                    try FileManager.default.removeItem(atPath: path)
                    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                }
            }
            let next = try DiskStore(directory: directory) { problems.add($0) }
            let origin = TruthfulOrigin(media)
            try await get(origin, next)
            let start: Int64 = loss == .cut ? 40_000 : 30_000
            #expect(origin.requests[0] == [start..<60_000])
            #expect(origin.requests[2] == [0..<100_000])
            let later = TruthfulOrigin(media)
            try await get(later, next)
            switch loss {
            case .deleted, .empty: #expect(later.requests.isEmpty)
            // A run is believed or forgotten as a whole: what was left of the cut one was used by one process only.
            case .cut: #expect(later.requests == [0: [30_000..<40_000]])
            // Nothing can be kept in its place, so all of that response went.
            case .directory: #expect(later.requests == [0: [0..<100_000]])
            }
            await next.close()
        }
    }

    private func get(_ origin: TruthfulOrigin, _ store: DiskStore) async throws {
        try await withCache(origin, store, Self.configuration) { cache in
            for number in [0, 2] {
                let medium = Medium(count: 100_000, seed: UInt64(number) + 1)
                let target = Array("/\(number)".utf8)
                let response = try await cache.respond(to: Request(authority: "localhost", target: target, fields: [:]))
                let octets = try await response.body.collect(upTo: 1 << 20)
                #expect(octets.count == 100_000 && medium.matches(octets[...], at: 0), "/\(number)")
            }
            while cache.coordinator.jobCount > 0 { await Task.yield() }
        }
    }
}
