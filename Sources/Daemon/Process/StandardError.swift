// Whole lines to standard error, and what kind of place that is.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Standard error (and output, for help) as a place for whole lines.
package enum StandardError {
    /// Keeps lines of different threads apart.
    private static let lock = Mutex(())

    /// Writes `text` in one piece; what the descriptor does not take within a second is dropped.
    package static func write(_ text: String) {
        write(text, to: STDERR_FILENO)
    }

    /// Whether people look at it in colour: a terminal, and NO_COLOR not set (https://no-color.org).
    package static func isColoured(environment: [String: String]) -> Bool {
        isatty(STDERR_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    static func write(_ text: String, to descriptor: Int32) {
        lock.withLock { _ in
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let written = bytes.withUnsafeBytes { sysWrite(descriptor, $0.baseAddress, $0.count) }
                if written > 0 {
                    bytes = bytes.dropFirst(written)
                    continue
                }
                if written < 0, errno == EINTR { continue }
                // Whoever shares the terminal with us may have made it non-blocking.
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard written < 0, errno == EAGAIN, poll(&waiting, 1, 1000) == 1 else { return }
            }
        }
    }
}

/// write(2), whose name a method hides.
private func sysWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
