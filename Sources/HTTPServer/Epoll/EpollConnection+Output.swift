// How a connection writes: everything of one read in one call, a large body behind its head in the same call, files by
// sendfile; what the socket does not take waits in the outbox.

#if os(Linux)
import HTTP

extension EpollConnection {
    /// Octets sent from the outbox in one turn.
    private static let flushBytesMax = 4 << 20

    /// Sends the context's output.
    func transmit() {
        guard isOpen, loop.context.hasOutput() else { return }
        guard outbox.isEmpty else { return keep(from: 0) }
        let outcome: SocketCall.Outcome
        switch loop.context.output.body {
        case nil:
            outcome = loop.context.output.output.withUnsafeBytes { SocketCall.send(socket, $0) }
        case .bytes(let bytes):
            outcome = loop.context.output.output.withUnsafeBytes { head in
                bytes.withUnsafeBytes { SocketCall.send(socket, head, $0, endsChunk: loop.context.bodyEndsChunk) }
            }
        case .file where loop.context.output.output.isEmpty:
            keep(from: 0)
            return flushOutbox()
        case .file:
            // Without MSG_MORE: a head that waits in the file's first packet leaves all of its pages out of step, which
            // cost 0.25 instead of 0.17 CPU seconds per GB at 1 MiB (Benchmarks/discard.c, 16 connections).
            outcome = loop.context.output.output.withUnsafeBytes { SocketCall.send(socket, $0) }
        }
        switch outcome {
        case .moved(let count):
            if loop.context.output.body == nil, count == loop.context.output.output.count {
                return loop.context.clearOutput()
            }
            keep(from: count)
            flushOutbox()
        case .wouldBlock:
            isWritable = false
            keep(from: 0)
        case .ended, .failed:
            dropOutput()
            lose()
        }
    }

    /// Forgets output that has nowhere to go.
    func dropOutput() {
        loop.context.clearOutput()
        loop.context.output.body = nil
        loop.context.bodyEndsChunk = false
    }

    /// Puts the context's output into the outbox without the first `count` octets.
    private func keep(from count: Int) {
        var gone = count
        let headCount = loop.context.output.output.count
        if gone < headCount { outbox.append(.bytes(Array(loop.context.output.output[gone...])[...])) }
        gone = max(0, gone - headCount)
        switch loop.context.output.body.take() {
        case .bytes(let bytes):
            outbox.append(.bytes(bytes.dropFirst(gone)))
            gone = max(0, gone - bytes.count)
        case .file(let region): outbox.append(.file(region))
        case nil: break
        }
        if loop.context.bodyEndsChunk { outbox.append(.bytes([0x0d, 0x0a].dropFirst(gone))) }
        loop.context.bodyEndsChunk = false
        loop.context.clearOutput()
    }

    /// Sends more of the outbox, and ends the connection if it was to end after that.
    func flushOutbox() {
        var sent = 0
        let outcome = outbox.flush(to: socket, bytesMax: EpollConnection.flushBytesMax, sent: &sent)
        if sent > 0 { engine.noteOutputProgress(in: &loop.context) }
        switch outcome {
        case .drained:
            if let kind = pendingClose.take() { close(kind) }
        case .blocked: isWritable = false
        case .paused: resumeLater()
        case .failed: abort()  // A reset: a file that is shorter than it was must not look like its end.
        }
    }
}
#endif
