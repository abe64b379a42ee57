// A request body that counts what is taken from it.

import HTTP
import Synchronization
import TestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Gives a medium in chunks of 64 KiB.
final class MediumSource: BodySource {
    struct Failure: Error {}

    private struct State {
        var position: Int64 = 0
    }

    private let medium: Medium
    private let failingAt: Int64
    private let stopsAfter: Int64
    private let state = Mutex(State())
    private let chunks = Tally("chunks taken")
    let cancelled = Tally("cancellations of a source")

    /// Throws from `failingAt` on; waits for ever after `stopsAfter`, until it is cancelled.
    init(_ medium: Medium, failingAt: Int64 = .max, stopsAfter: Int64 = .max) {
        self.medium = medium
        self.failingAt = failingAt
        self.stopsAfter = stopsAfter
    }

    /// Octets taken so far.
    var given: Int64 { state.withLock { $0.position } }

    func next() async throws -> BodyChunk? {
        if given >= stopsAfter {
            try await cancelled.reach(1)
            throw BodyError.cancelled
        }
        if given >= failingAt { throw Failure() }
        let range = state.withLock { state in
            let range = state.position..<min(medium.count, state.position + 65_536)
            state.position = range.upperBound
            return range
        }
        chunks.advance()
        return range.isEmpty ? nil : .bytes(medium.octets(in: range)[...])
    }

    func cancel() {
        cancelled.advance()
    }

    /// Octets taken once nothing more is taken for half a second.
    func standstill() async -> Int64 {
        while true {
            let before = chunks.count
            // Only what does not come can be seen here, so it is a matter of time.
            do { try await chunks.reach(before + 1, within: .milliseconds(500)) } catch { return given }
        }
    }
}

func openForReading(_ path: String) throws -> Int32 {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw TestSupportError.systemCall("open \(path)", errno: errno) }
    return descriptor
}

func setEnvironment(_ name: String, _ value: String?) {
    if let value { setenv(name, value, 1) } else { unsetenv(name) }
}
