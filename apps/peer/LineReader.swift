// Lines of standard input, as they are typed or as a program writes them.

import Dispatch
import Glibc

/// Reads standard input on a thread of its own: a read may wait for as long as a person does.
struct LineReader: AsyncSequence, Sendable {
    /// What was read and is not taken yet is at most so many batches, each of one read: who writes faster has to wait.
    private static let batchesMax = 2
    private static let readBytes = 64 << 10

    private let batches: AsyncStream<[String]>
    private let room = DispatchSemaphore(value: 0)

    /// Begins to read.
    ///
    /// The lines come in batches of those that were there together, without their ends; the last may have none.
    init() {
        let continuation: AsyncStream<[String]>.Continuation
        (batches, continuation) = AsyncStream.makeStream()
        for _ in 0..<Self.batchesMax { room.signal() }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Reading(continuation, room)).toOpaque()
        let status = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Reading>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            context
        )
        if status == 0 { pthread_detach(thread) } else { continuation.finish() }
    }

    /// Takes one batch after another.
    struct Iterator: AsyncIteratorProtocol {
        fileprivate var batches: AsyncStream<[String]>.Iterator
        fileprivate let room: DispatchSemaphore

        /// The lines that have come together, at least one; nil at the end.
        mutating func next(isolation: isolated (any Actor)? = #isolation) async -> [String]? {
            let batch = await batches.next(isolation: isolation)
            room.signal()
            return batch
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(batches: batches.makeAsyncIterator(), room: room) }

    /// The thread.
    private final class Reading {
        private let continuation: AsyncStream<[String]>.Continuation
        private let room: DispatchSemaphore
        private var cutter = LineCutter()

        init(_ continuation: AsyncStream<[String]>.Continuation, _ room: DispatchSemaphore) {
            (self.continuation, self.room) = (continuation, room)
        }

        func run() {
            var octets = [UInt8](repeating: 0, count: LineReader.readBytes)
            while true {
                let count = octets.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR || StandardStreams.waitIfBusy(STDIN_FILENO, for: POLLIN) { continue }
                guard count > 0 else { break }
                hand(cutter.lines(in: octets[..<count]))
            }
            hand(cutter.finish())
            continuation.finish()
        }

        private func hand(_ lines: [String]) {
            guard !lines.isEmpty else { return }
            room.wait()
            continuation.yield(lines)
        }
    }
}
