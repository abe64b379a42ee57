// Lines of standard input, as they are typed.

import Glibc

/// Reads standard input on a thread of its own: a read may wait for as long as a person does.
enum LineReader {
    /// The lines, without their ends; the last may have none.
    static func lines() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream<String>.makeStream()
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Box(continuation)).toOpaque()
        let status = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Box>.fromOpaque(context).takeRetainedValue().read()
                return nil
            },
            context
        )
        if status == 0 { pthread_detach(thread) } else { continuation.finish() }
        return stream
    }

    private final class Box {
        let continuation: AsyncStream<String>.Continuation

        init(_ continuation: AsyncStream<String>.Continuation) {
            self.continuation = continuation
        }

        func read() {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }
    }
}
