// A store of a million objects: opened and hit at once, after a clean end, a kill and a power loss.

import Foundation
import GRDB
import HTTP
import HTTPCacheDisk
import TestSupport
import Testing

@testable import HTTPCache

@Suite(.enabled(if: ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1", "with WAYSTATION_TEST_LONG=1"))
struct MillionTests {
    private static let count = Int(ProcessInfo.processInfo.environment["WAYSTATION_TEST_OBJECTS"] ?? "") ?? 1_000_000
    /// Nobody listens there: what is not a hit fails.
    private static let url = "http://127.0.0.1:9/"
    /// Every so many objects has its body in a file.
    private static let filesEach = 10

    @Test func `the first hit of a million comes within 200 ms of the start, whatever ended the last use`() async throws
    {
        try await withScratchDirectory { parent in
            let (directory, killed) = (parent + "/store", parent + "/killed")
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            try await Self.fill(store, 0..<Self.count)
            await store.close()
            // One use that ends in the middle, with some megabytes in the log.
            let open = try DiskStore(directory: directory) { problems.add($0) }
            try await Self.fill(open, Self.count..<Self.count + 5000)
            try await RunningProcess.succeed(["cp", "-r", directory, killed], within: .seconds(600))
            await open.close()
            try problems.requireNone()
            let log = try FileManager.default.attributesOfItem(atPath: killed + "/index.sqlite-wal")
            print("log: \((log[.size] as? NSNumber)?.intValue ?? 0) octets")

            try await Self.expectHit(directory, "clean")
            try await Self.expectHit(killed, "killed")
            try await DatabaseQueue(path: killed + "/index.sqlite").write { db in
                try db.execute(sql: "UPDATE store SET boot = 'another', clean = 0")
            }
            try await Self.expectHit(killed, "power loss")
        }
    }

    /// Stores objects as a cache of ``url`` does.
    private static func fill(_ store: DiskStore, _ numbers: Range<Int>) async throws {
        let upstream = Upstream(try OriginMap(url))
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 1000) {
            var changes: [StoreChange] = []
            for number in start..<min(start + 1000, numbers.upperBound) {
                let medium = Medium(count: 100 + Int64(number % 300), seed: UInt64(number))
                var fields: Fields = ["Cache-Control": "max-age=1000000", "Content-Type": "video/mp2t"]
                fields.append("ETag", "\"\(number)\"")
                let metadata = ResponseMetadata(
                    status: 200,
                    fields: fields,
                    selecting: [:],
                    requestTime: Timestamp(seconds: Int64(Date().timeIntervalSince1970)),
                    responseTime: Timestamp(seconds: Int64(Date().timeIntervalSince1970))
                )
                let isInFile = number % filesEach == 0
                let id = ResponseID(rawValue: UInt64(number) &* 0x9e37_79b9_7f4a_7c15 >> 1)
                let octets = medium.octets
                changes.append(
                    .put(
                        StoredRecord(
                            id: id,
                            key: upstream.key(of: Array("/\(number)".utf8).span),
                            metadata: metadata.encoded,
                            length: medium.count,
                            inlineBody: isInFile ? nil : octets
                        )
                    )
                )
                guard isInFile else { continue }
                let segment = SegmentID(response: id, index: 0)
                try store.openSegment(segment, creating: true).write(octets, at: 0)
                let run = StoredRun(range: 0..<medium.count, checksum: Checksum.of(octets))
                changes.append(.extents(segment, [run.range], adding: [run]))
            }
            try await store.commit(changes)
        }
    }

    /// Starts cdn, asks at once, and says how long both took; then asks for more.
    private static func expectHit(_ directory: String, _ ending: String) async throws {
        for first in [count / 2 / filesEach * filesEach, count / 3 / filesEach * filesEach + 1] {
            let clock = ContinuousClock()
            let start = clock.now
            let cdn = try await RunningCDN.start(url, store: directory)
            let ready = clock.now - start
            let answer = try get(cdn, first)
            let hit = clock.now - start
            let spent = try cdn.cpuSeconds()
            try expect(answer, first)
            for number in stride(from: 0, to: count, by: max(1, count / 200)) {
                try expect(try get(cdn, number), number)
            }
            let memory = try cdn.residentBytesPeak() >> 20
            print(
                "\(ending), object \(first): ready after \(ready), first hit after \(hit), CPU \(spent) s, \(memory) MiB"
            )
            #expect(hit < .milliseconds(200), "\(ending)")
            // As it was found, for the next.
            try await cdn.stop(by: ending == "clean" ? SIGTERM : SIGKILL)
        }
    }

    private static func expect(_ answer: [UInt8], _ number: Int) throws {
        let medium = Medium(count: 100 + Int64(number % 300), seed: UInt64(number))
        let text = String(decoding: answer.prefix(1000), as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("waystation; hit;"), "\(number): \(text)")
        #expect(medium.matches(answer.suffix(Int(medium.count)), at: 0), "\(number)")
    }

    /// One request on a connection of its own, by a plain socket: nothing but cdn takes time.
    private static func get(_ cdn: RunningCDN, _ number: Int) throws -> [UInt8] {
        let port = UInt16(cdn.base.split(separator: ":").last ?? "") ?? 0
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw POSIXError(.ECONNREFUSED) }
        let request = Array("GET /\(number) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, 0) == request.count else { throw POSIXError(.EPIPE) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { answer += buffer[..<count] }
        return answer
    }
}
