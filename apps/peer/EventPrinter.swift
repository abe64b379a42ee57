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
        /// What has been written since the start.
        var writtenBytes = 0
        var isWriting = false
        /// Who waits until there is room.
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0
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
    func show(_ events: [NodeEvent]) async {
        var rest = events[...]
        while !rest.isEmpty {
            show { lines in
                while lines.octets.count < Self.pieceBytesMax, let event = rest.popFirst() { lines.add(event) }
            }
            await waitForRoom()
        }
    }

    /// Returns when not too much waits to be written, or the task is cancelled: who reads slowly holds us up, and what we
    /// would show, but not the end.
    func waitForRoom() async {
        let id: Int? = state.withLock { state in
            guard state.waitingBytes > Self.waitingBytesMax else { return nil }
            state.lastWaiter += 1
            return state.lastWaiter
        }
        guard let id else { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard state.isWriting, !Task.isCancelled else { return false }
                    state.waiters[id] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    /// Returns when all that was shown is written, or nobody has read for three seconds; for the end.
    func finish() {
        let isDone = DispatchSemaphore(value: 0)
        queue.async { isDone.signal() }
        var before = -1
        while isDone.wait(timeout: .now() + 3) == .timedOut {
            let written = state.withLock { $0.writtenBytes }
            if written == before { return }
            before = written
        }
    }

    private func write(_ octets: [UInt8]) {
        guard !octets.isEmpty else { return }
        let isFirst = state.withLock { state in
            // Single lines go together; to copy what is large costs more than to write it by itself.
            let last = state.waiting.count - 1
            if octets.count < Self.pieceBytesMax / 8, last >= 0, state.waiting[last].count < Self.pieceBytesMax {
                state.waiting[last] += octets
            } else {
                state.waiting.append(octets)
            }
            state.waitingBytes += octets.count
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { queue.async { self.writeAll() } }
    }

    /// What there is by then, until there is nothing.
    private func writeAll() {
        while true {
            let (pieces, waiters): ([[UInt8]], [CheckedContinuation<Void, Never>]) = state.withLock { state in
                defer { (state.waiting, state.waitingBytes, state.waiters) = ([], 0, [:]) }
                if state.waiting.isEmpty { state.isWriting = false }
                return (state.waiting, Array(state.waiters.values))
            }
            for waiter in waiters { waiter.resume() }
            if pieces.isEmpty { return }
            for piece in pieces { write(all: piece) }
        }
    }

    private func write(all piece: [UInt8]) {
        var rest = piece[...]
        while !rest.isEmpty {
            // Not too much at a time, so that it can be seen that somebody reads.
            let part = rest.prefix(Self.pieceBytesMax)
            let count = part.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || StandardStreams.waitIfBusy(STDOUT_FILENO, for: POLLOUT) { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
            state.withLock { $0.writtenBytes += count }
        }
    }
}

/// Standard input and output as others have left them.
enum StandardStreams {
    /// Behind a call on `descriptor` that failed because it would have had to wait: waits in its place.
    ///
    /// Who shares a terminal with us may have made it non-blocking.
    static func waitIfBusy(_ descriptor: Int32, for events: Int32) -> Bool {
        guard errno == EAGAIN || errno == EWOULDBLOCK else { return false }
        var question = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&question, 1, -1) >= 0 || errno == EINTR
    }
}
