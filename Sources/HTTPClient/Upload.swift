// A request body on its way to the origin: reads the source, keeps a bounded queue, tells the loop.

import HTTP
import Synchronization

/// One request body; ``pump()`` runs in a task, the rest on the loop.
final class Upload: Sendable {
    typealias Machine = UploadStateMachine<CheckedContinuation<Bool, Never>>

    /// Whether there is a source to be read, so that ``pump()`` must run.
    let needsPump: Bool
    private let body: Body
    private let state: Mutex<Machine>
    private let wakeLoop: @Sendable () -> Void

    /// `wakeLoop` is called when octets have come that the loop waits for.
    init(_ body: Body, queueBytesMax: Int, wakeLoop: @escaping @Sendable () -> Void) {
        self.body = body
        self.wakeLoop = wakeLoop
        var machine = Machine(queueBytesMax: queueBytesMax)
        switch body.content {
        case .bytes(let bytes):
            _ = machine.put(bytes)
            let isTrue = body.length.map { $0 == Int64(bytes.count) } ?? true
            _ = machine.finish(isTrue ? .complete : .failed)
            needsPump = false
        case .none:
            _ = machine.finish(.failed)
            needsPump = false
        case .file, .stream: needsPump = true
        }
        state = Mutex(machine)
    }

    /// Reads the source to its end, or until the transfer is over.
    func pump() async {
        var total: Int64 = 0
        do {
            switch body.content {
            case .none, .bytes: return
            case .file(let region):
                var rest = region
                while rest.count > 0 {
                    var piece = rest
                    piece.count = min(rest.count, 256 << 10)
                    guard await put(try piece.read()[...]) else { return }
                    rest.offset += Int64(piece.count)
                    rest.count -= piece.count
                    total += Int64(piece.count)
                }
            case .stream(let source):
                while let chunk = try await source.next() {
                    total += Int64(chunk.count)
                    // One octet more than declared must never reach the origin as the next request's beginning.
                    if let length = body.length, total > length {
                        finish(.failed)
                        source.cancel()
                        return
                    }
                    switch chunk {
                    case .bytes(let bytes): guard await put(bytes) else { return }
                    case .file(let region): guard await put(try region.read()[...]) else { return }
                    }
                }
            }
            finish(body.length.map { $0 == total } ?? true ? .complete : .failed)
        } catch {
            finish(.failed)
        }
    }

    /// At most `count` octets for the loop to send.
    func take(atMost count: Int) -> Machine.Taken {
        let (taken, waiter) = state.withLock { $0.take(atMost: count) }
        waiter?.resume(returning: true)
        return taken
    }

    /// The transfer is over: nothing more is read from the source.
    func close() {
        let (waiter, cancelsSource) = state.withLock { $0.close() }
        waiter?.resume(returning: false)
        if cancelsSource { body.cancel() }
    }

    private func put(_ octets: ArraySlice<UInt8>) async -> Bool {
        if state.withLock({ $0.put(octets) }) { wakeLoop() }
        return await withCheckedContinuation { continuation in
            if let answer = state.withLock({ $0.awaitRoom(continuation) }) { continuation.resume(returning: answer) }
        }
    }

    private func finish(_ end: Machine.End) {
        if state.withLock({ $0.finish(end) }) { wakeLoop() }
    }
}
