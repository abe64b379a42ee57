// A pipe by which any thread, or a signal handler, wakes one that waits in poll.

import Glibc

/// Non-blocking at both ends, not inherited; its reading end is readable until it is drained.
final class WakePipe: Sendable {
    let readEnd: Int32
    let writeEnd: Int32

    init() throws(TerminalError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw TerminalError("no pipe for the terminal's threads", errno: errno) }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func wake(_ byte: UInt8 = 0) {
        var byte = byte
        write(writeEnd, &byte, 1)
    }

    /// Whether `byte` was among what woke.
    func drain(lookingFor byte: UInt8 = 0) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64)
        var found = false
        while case let count = read(readEnd, &bytes, bytes.count), count > 0 {
            if bytes[..<count].contains(byte) { found = true }
        }
        return found
    }
}

/// What a terminal cannot be opened for.
package struct TerminalError: Error, Sendable, CustomStringConvertible {
    package let message: String

    init(_ message: String, errno: Int32) {
        self.message = "\(message): \(String(cString: strerror(errno)))"
    }

    package var description: String { message }
}

/// Runs `body` on a thread of its own, which no cooperative pool waits for.
func startThread(_ body: @escaping @Sendable () -> Void) throws(TerminalError) {
    let box = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let code = pthread_create(
        &thread,
        &attributes,
        { argument in
            guard let argument else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        },
        box.toOpaque()
    )
    guard code == 0 else {
        box.release()
        throw TerminalError("no thread for the terminal", errno: code)
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
