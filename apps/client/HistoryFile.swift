// The file that --history names: lines are added at its end, and its end is read.

import Chat
import Daemon
import Glibc
import Synchronization

/// A file of lines for this user alone, open for as long as this object lives.
final class HistoryFile: Sendable {
    /// What is read for the last lines: 1,000 of them, unless most are long.
    private static let endBytesMax = 4 << 20

    private let path: String
    private let descriptor: Int32
    /// Whether it was said that nothing can be written.
    private let isBroken = Mutex(false)

    /// Opens `path`, making it if there is none.
    ///
    /// - Throws: ``ExitFailure`` with code 73.
    init(_ path: String) throws(ExitFailure) {
        self.path = path
        descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ExitFailure(
                .cannotCreate,
                "cannot write the history to \(path): \(String(cString: strerror(errno))); give --history another file"
            )
        }
        fchmod(descriptor, 0o600)
    }

    deinit {
        close(descriptor)
    }

    /// Adds a line, whole; says once in a row of failures why it cannot.
    @Sendable
    func append(_ line: String) -> ChatError? {
        let octets = Array("\(line)\n".utf8)
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let message = "cannot write the history to \(path): \(String(cString: strerror(errno)))"
                let isNews = isBroken.withLock { isBroken in
                    defer { isBroken = true }
                    return !isBroken
                }
                return isNews ? ChatError(.storeFailed, message) : nil
            }
            rest.removeFirst(count)
        }
        isBroken.withLock { $0 = false }
        return nil
    }

    /// The last so many lines.
    @Sendable
    func last(_ count: Int) throws -> [String] {
        let size = lseek(descriptor, 0, SEEK_END)
        let start = max(0, size - off_t(Self.endBytesMax))
        var octets = [UInt8](repeating: 0, count: Int(max(0, size - start)))
        let got = octets.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, start) }
        guard size >= 0, got >= 0 else {
            throw ExitFailure(.inputOutput, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        return WrittenHistory.lines(count, in: Array(octets.prefix(got)), isWhole: start == 0)
    }
}
