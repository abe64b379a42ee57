// One file in memory that many segments share, where descriptors are scarce.

import CLinux
import HTTP
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Hands out parts of one memory file, far apart; the memory of a part goes back to the system with its last reference.
final class MemoryArena: Sendable {
    private struct State {
        var free: [Int64] = []
        var count: Int64 = 0
    }

    private let file: OpenFile
    private let state = Mutex(State())

    /// No segment is larger; the file is sparse, so that room costs nothing.
    private static let partBytes: Int64 = 1 << 36
    private static let partsMax: Int64 = 1 << 26

    /// Nil if there is no descriptor for it.
    init?() {
        let descriptor = clinux_memory_file("segments")
        guard descriptor >= 0 else { return nil }
        file = OpenFile(owning: descriptor)
    }

    /// An empty file; nil if there are too many.
    func newFile() -> OpenFile? {
        let part: Int64? = state.withLock { state in
            if let part = state.free.popLast() { return part }
            guard state.count < Self.partsMax else { return nil }
            defer { state.count += 1 }
            return state.count
        }
        guard let part else { return nil }
        return OpenFile(sharing: file.descriptor, from: part * Self.partBytes) { self.release(part) }
    }

    private func release(_ part: Int64) {
        // A part that keeps its octets is not used again: nobody may read another's.
        guard clinux_discard_range(file.descriptor, part * Self.partBytes, Self.partBytes) == 0 else { return }
        state.withLock { $0.free.append(part) }
    }
}
