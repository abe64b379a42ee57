// Writes lines to standard output, in order and whole, without holding anybody up but for who reads too slowly.

import Dispatch
import Glibc
import PeerNetwork
import Synchronization

/// Standard output, for several tasks.
final class EventPrinter: Sendable {
    private let isJSON: Bool
    private struct State {
        /// Whole lines, in pieces as they came.
        var waiting: [[UInt8]] = []
        var waitingBytes = 0
        var isWriting = false
    }

    private static let waitingBytesMax = 1 << 20
    /// As much as is made before it is written.
    private static let pieceBytesMax = 64 << 10
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "standard output")

    init(isJSON: Bool) {
        self.isJSON = isJSON
    }

    /// Writes what `body` adds.
    func show(_ body: (inout EventLines) -> Void) {
        var lines = EventLines(isJSON: isJSON)
        body(&lines)
        write(lines.octets)
    }

    /// Writes a line for each event, not too many at a time: they may take much more room as text.
    func show(_ events: [NodeEvent]) {
        var rest = events[...]
        while !rest.isEmpty {
            show { lines in
                while lines.octets.count < Self.pieceBytesMax, let event = rest.popFirst() { lines.add(event) }
            }
        }
    }

    /// Returns when all that was shown is written.
    func finish() {
        queue.sync {}
    }

    private func write(_ octets: [UInt8]) {
        guard !octets.isEmpty else { return }
        let (isFirst, isTooMuch) = state.withLock { state in
            // Single lines go together; to copy what is large costs more than to write it by itself.
            let last = state.waiting.count - 1
            if octets.count < Self.pieceBytesMax / 8, last >= 0, state.waiting[last].count < Self.pieceBytesMax {
                state.waiting[last] += octets
            } else {
                state.waiting.append(octets)
            }
            state.waitingBytes += octets.count
            defer { state.isWriting = true }
            return (!state.isWriting, state.waitingBytes > Self.waitingBytesMax)
        }
        if isFirst { queue.async { self.writeAll() } }
        // Who reads slowly holds us up, and what we would show.
        if isTooMuch { finish() }
    }

    /// What there is by then, until there is nothing.
    private func writeAll() {
        while true {
            let pieces: [[UInt8]] = state.withLock { state in
                defer { (state.waiting, state.waitingBytes) = ([], 0) }
                if state.waiting.isEmpty { state.isWriting = false }
                return state.waiting
            }
            if pieces.isEmpty { return }
            for piece in pieces { write(all: piece) }
        }
    }

    private func write(all piece: [UInt8]) {
        var rest = piece[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
    }
}
