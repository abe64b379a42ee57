// The process is killed in the middle of commits: what was acknowledged is there, each commit whole or not at all.

import Foundation
import HTTP
import HTTPCache
import HTTPCacheDisk
import Synchronization
import Testing

@Suite struct DiskStoreCrashTests {
    /// Octets of each commit's segment.
    private static let bytes = 3000
    /// Variants with an inline body in each commit: many, so that the kill hits transactions that are being written.
    private static let variants: UInt64 = 100

    @Test(arguments: [1, 2, 20, 50, 100, 300] as [UInt64])
    func `a kill between commits and in them loses nothing acknowledged`(_ commitsBeforeKill: UInt64) async throws {
        try await withScratchDirectory { directory in
            await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String, commitsBeforeKill] in
                try await DiskStoreCrashTests.commitUntilKilled(directory, after: commitsBeforeKill)
            }
            let acknowledged = try acknowledged(in: directory)
            #expect(acknowledged.count >= commitsBeforeKill)

            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            var stored: Int64 = 0
            for number in 1...(acknowledged.max() ?? 0) + 100 {
                let records = try await store.records(for: key("\(number)"))
                if acknowledged.contains(number) { #expect(!records.isEmpty, "\(number) was acknowledged") }
                guard !records.isEmpty else { continue }
                stored += 1
                #expect(records.count == Self.variants + 1, "\(number) is there in part")
                let large = records.first { $0.inlineBody == nil }
                #expect(large?.segments == [0: [0..<Int64(Self.bytes)]], "\(number) is there in part")
                let file = try store.openSegment(segment(number, 0), creating: false)
                let octets = try FileRegion(file: file, offset: 0, count: Self.bytes).read()
                #expect(octets == [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: Self.bytes))
            }
            #expect(store.usedBytes == stored * (Int64(Self.bytes) + Int64(Self.variants)))
            await store.close()
            try problems.requireNone()
        }
    }

    /// Eight writers commit and note what was acknowledged, until the process kills itself under them.
    private static func commitUntilKilled(_ directory: String, after count: UInt64) async throws {
        let store = try DiskStore(directory: directory) { _ in }
        let acks = OpenFile(owning: open(directory + "/acks", O_WRONLY | O_CREAT | O_APPEND, 0o600))
        let next = Counter()
        let done = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    while true {
                        let number = next.increment()
                        let file = try store.openSegment(segment(number, 0), creating: true)
                        try file.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: bytes), at: 0)
                        let variants = (1...variants).map { variant in
                            StoreChange.put(record(number | variant << 40, "\(number)", inline: [1]))
                        }
                        let whole = StoreChange.holding(segment(number, 0), [0..<Int64(bytes)])
                        try await store.commit([.put(record(number, "\(number)"))] + variants + [whole])
                        var line = number.littleEndian
                        write(acks.descriptor, &line, 8)
                        if done.increment() == count { kill(getpid(), SIGKILL) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func acknowledged(in directory: String) throws -> Set<UInt64> {
        let octets = [UInt8](try Data(contentsOf: URL(filePath: directory + "/acks")))
        return Set(
            stride(from: 0, to: octets.count, by: 8).map { start in
                octets[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
        )
    }
}

/// Counts across tasks.
private final class Counter: Sendable {
    private let value = Atomic<UInt64>(0)

    func increment() -> UInt64 {
        value.add(1, ordering: .relaxed).newValue
    }
}
