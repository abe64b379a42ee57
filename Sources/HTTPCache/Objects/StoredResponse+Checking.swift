// After a power loss: octets that were facts are read once and compared with their checksums before they count as held.

import Dispatch
import HTTP
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension StoredResponse {
    /// Checks what is suspect in `range`: when it returns, its octets are held, or they are to be fetched again.
    ///
    /// Reads on a thread for that. What was found is told to the store, so that it is read once; a store that cannot take it
    /// has it read again after the next start.
    func check(_ range: Range<Int64>) async {
        guard isSuspect.load(ordering: .relaxed) else { return }
        await checking.pass {
            let runs = suspects.withLock { $0.filter { $0.range.overlaps(range) } }
            guard !runs.isEmpty else { return }
            let segmentBytes = withBody { $0.limits.segmentBytes }
            let sound = await soundRuns(among: runs, segmentBytes: segmentBytes)
            withBody { body in
                for run in runs { body.settle(run.range, isSound: sound.contains(run)) }
            }
            suspects.withLock { suspects in
                suspects.removeAll { runs.contains($0) }
                isSuspect.store(!suspects.isEmpty, ordering: .relaxed)
            }
            await note(runs, sound: sound, segmentBytes: segmentBytes)
        }
    }

    /// Those of `runs` whose octets are what was written.
    private func soundRuns(among runs: [StoredRun], segmentBytes: Int64) async -> [StoredRun] {
        await withCheckedContinuation { continuation in
            ReadingThreads.queue(for: id).async { [store, id] in
                var files: [Int: OpenFile] = [:]
                let sound = runs.filter { run in
                    let index = Int(run.range.lowerBound / segmentBytes)
                    if files[index] == nil {
                        // Whatever keeps it from being opened: its octets cannot be had.
                        files = [index: try? store.openSegment(SegmentID(response: id, index: index), creating: false)]
                            .compactMapValues { $0 }
                    }
                    return files[index]?.holds(run, from: Int64(index) * segmentBytes) ?? false
                }
                continuation.resume(returning: sound)
            }
        }
    }

    private func note(_ runs: [StoredRun], sound: [StoredRun], segmentBytes: Int64) async {
        let indices = Set(runs.map { Int($0.range.lowerBound / segmentBytes) })
        await recording {
            let changes = indices.sorted().map { index in
                let (facts, checked) = withBody { body in
                    let segment = body.range(ofSegment: index)
                    let checked = sound.filter { run in
                        segment.contains(run.range.lowerBound) && body.extents.contains(run.range)
                    }
                    return (body.facts(ofSegment: index), checked)
                }
                return StoreChange.extents(SegmentID(response: id, index: index), facts, adding: checked)
            }
            // Without it they are read again after the next start, no worse.
            try? await store.commit(changes)
        }
    }
}

/// The threads that check octets: a few, however many responses are checked.
private enum ReadingThreads {
    private static let queues = (0..<4).map { DispatchQueue(label: "cache checks \($0)", qos: .userInitiated) }

    static func queue(for response: ResponseID) -> DispatchQueue {
        queues[Int(truncatingIfNeeded: response.rawValue % UInt64(queues.count))]
    }
}

extension OpenFile {
    private static var pieceBytes: Int { 256 << 10 }

    /// Whether the octets of `run`, which lie from `base` of the body on in this file, are those that were written.
    fileprivate func holds(_ run: StoredRun, from base: Int64) -> Bool {
        let stream = Checksum.Stream()
        var position = run.range.lowerBound - base
        let end = run.range.upperBound - base
        return withUnsafeTemporaryAllocation(byteCount: Self.pieceBytes, alignment: 64) { buffer in
            while position < end {
                let count = pread(
                    descriptor,
                    buffer.baseAddress,
                    Int(min(Int64(buffer.count), end - position)),
                    off_t(self.base + position)
                )
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                stream.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                position += Int64(count)
            }
            return stream.sum == run.checksum
        }
    }
}
