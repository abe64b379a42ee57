// The file of an access log: one thread writes it, event loops only hand lines over, within a bound.

import NIOPosix
import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where the lines about answered requests go; shared by the event loops of a server.
///
/// Lines are in the file at the latest about a second after the answer. What the disk or the reader of a pipe does not
/// take in time is dropped in whole lines and counted: no event loop ever waits for it. To be run as a service that ends
/// after the server, so that the last lines are written.
package final class AccessLog: Service {
    private struct State {
        var queue: [(octets: [UInt8], lines: Int)] = []
        var queuedBytes = 0
        var linesDropped = 0
        /// Whether the thread is to write, or writes.
        var isScheduled = false
        /// Whether the file is to be opened anew.
        var reopens = false
        /// Whether the end has come: nothing is waited for any more.
        var isEnding = false
    }

    /// What the writing thread alone touches, under a lock that nobody else takes.
    private struct Output {
        var descriptor: Int32
        /// Whether its reader may keep us waiting: it is no regular file.
        var isPaced = false
        /// Whether the last octet was in the middle of a line.
        var endsMidLine = false
        /// Whether the trouble that there is now has been told.
        var isInTrouble = false
    }

    private let path: String
    private let onProblem: @Sendable (String) -> Void
    private let state = Mutex(State())
    private let output: Mutex<Output>
    private let threads = NIOThreadPool(numberOfThreads: 1)

    /// Octets that wait for the disk at most, besides those that are being written.
    private static let queuedBytesMax = 8 << 20
    /// Octets that a pipe takes without blocking if it takes any.
    private static let pacedBytes = 4096
    /// Milliseconds that the reader of a pipe is waited for.
    private static let readerPatience: Int32 = 1000

    /// Opens the file at `path`, made if need be and appended to; `-` is standard output.
    ///
    /// `onProblem` is told on a thread of the log's own, once each time that writing begins to fail.
    ///
    /// - Throws: ``AccessLogError``.
    package init(path: String, onProblem: @escaping @Sendable (String) -> Void) throws(AccessLogError) {
        self.path = path
        self.onProblem = onProblem
        output = Mutex(try Self.open(path))
        threads.start()
    }

    deinit {
        let descriptor = output.withLock { $0.descriptor }
        if descriptor != STDOUT_FILENO { close(descriptor) }
    }

    /// How many lines were dropped since the start, because they could not be written in time.
    package var linesDropped: Int { state.withLock { $0.linesDropped } }

    /// Lets the file be opened anew, after what was handed over until now is written: for logrotate.
    package func reopen() {
        schedule { state in
            state.reopens = true
            return true
        }
    }

    /// Waits for the end of the program, then for the last lines.
    package func run() async {
        // Throws only when cancelled, which is an end as well.
        try? await gracefulShutdown()
        schedule { state in
            state.isEnding = true
            return true
        }
        do {
            try await threads.shutdownGracefully()
        } catch {
            onProblem("The access log's thread did not end: \(error)")
        }
    }

    /// Takes whole lines over; returns at once.
    func take(_ octets: [UInt8], lines: Int) {
        schedule { state in
            guard state.queuedBytes + octets.count <= Self.queuedBytesMax else {
                state.linesDropped += lines
                return false
            }
            state.queue.append((octets, lines))
            state.queuedBytes += octets.count
            return true
        }
    }

    /// Changes the state, and wakes the thread if that is wanted and it does not work already.
    private func schedule(_ change: (inout State) -> Bool) {
        let wakes = state.withLock { state in
            guard change(&state), !state.isScheduled else { return false }
            state.isScheduled = true
            return true
        }
        guard wakes else { return }
        // Also if the threads are ending: then it is the last that they do.
        threads.submit { [self] _ in work() }
    }

    // MARK: On the thread

    private func work() {
        while true {
            let (queue, reopens) = state.withLock { state in
                defer {
                    state.queue = []
                    state.queuedBytes = 0
                    state.reopens = false
                }
                if state.queue.isEmpty, !state.reopens { state.isScheduled = false }
                return (state.queue, state.reopens)
            }
            if queue.isEmpty, !reopens { return }
            for (octets, lines) in queue { write(octets, lines: lines) }
            if reopens { openAnew() }
        }
    }

    private func write(_ octets: [UInt8], lines: Int) {
        let (failure, lost) = output.withLock { output -> (Int32?, Int) in
            var rest = octets[...]
            if output.endsMidLine {
                if case .failure(let failure) = writeSome([0x0a], output) { return (failure.code, lines) }
                output.endsMidLine = false
            }
            while !rest.isEmpty {
                switch writeSome(rest, output) {
                case .success(let count): rest = rest.dropFirst(count)
                case .failure(let failure):
                    output.endsMidLine = rest.startIndex > 0 && octets[rest.startIndex - 1] != 0x0a
                    return (failure.code, rest.count { $0 == 0x0a })
                }
            }
            return (nil, 0)
        }
        if lost > 0 { state.withLock { $0.linesDropped += lost } }
        note(failure)
    }

    private struct SystemFailure: Error {
        let code: Int32
    }

    private func writeSome(_ octets: ArraySlice<UInt8>, _ output: borrowing Output) -> Result<Int, SystemFailure> {
        let descriptor = output.descriptor
        while true {
            if output.isPaced {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                let patience = state.withLock { $0.isEnding } ? Self.readerPatience / 4 : Self.readerPatience
                guard poll(&waiting, 1, patience) == 1 else { return .failure(SystemFailure(code: EAGAIN)) }
            }
            let part = output.isPaced ? octets.prefix(Self.pacedBytes) : octets
            let count = part.withUnsafeBytes { writeOut(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { return .success(count) }
            if count < 0, errno == EINTR { continue }
            return .failure(SystemFailure(code: count == 0 ? EIO : errno))
        }
    }

    /// Tells of trouble when it begins.
    private func note(_ failure: Int32?) {
        let isNew = output.withLock { output in
            defer { output.isInTrouble = failure != nil }
            return !output.isInTrouble
        }
        guard let failure, isNew else { return }
        onProblem("Lines of the access log \(path) are dropped: \(String(cString: strerror(failure)))")
    }

    private func openAnew() {
        guard path != "-" else { return }
        do throws(AccessLogError) {
            let new = try Self.open(path)
            let old = output.withLock { output in
                defer { output = new }
                return output.descriptor
            }
            close(old)
        } catch {
            onProblem("\(error); the file that is open goes on")
        }
    }

    private static func open(_ path: String) throws(AccessLogError) -> Output {
        var descriptor = STDOUT_FILENO
        if path != "-" {
            descriptor = openFile(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else {
                throw AccessLogError(path: path, reason: String(cString: strerror(errno)))
            }
        }
        var status = stat()
        let isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        return Output(descriptor: descriptor, isPaced: !isRegular)
    }
}

/// An access log that cannot be opened.
package struct AccessLogError: Error, CustomStringConvertible {
    let path: String
    let reason: String

    /// What was attempted, on what, and what went wrong.
    package var description: String { "cannot open the access log \(path): \(reason)" }
}

/// open(2) and write(2), whose names methods hide.
private func openFile(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func writeOut(_ descriptor: Int32, _ octets: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, octets, count)
}
