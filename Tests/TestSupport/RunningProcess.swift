// A program started by a test: its output as events to wait for, and certain to be gone when the test is.

import Foundation
import Synchronization

/// A child process with its standard output and standard error collected line by line.
///
/// It runs in a session of its own beside a shell that reads a pipe held by this process: when the pipe closes,
/// because the child ended, this object went or the test run was killed, the shell kills what is left of the group.
package final class RunningProcess: Sendable {
    /// What a program left behind.
    package struct Outcome: Sendable {
        /// The exit code, or 128 plus the signal's number.
        package let status: Int32
        package let output: String
        package let errors: String
    }

    /// A wait that did not come true.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    package enum Stream: Sendable, CaseIterable {
        case output
        case errors
    }

    private struct Waiter {
        let isDone: @Sendable (borrowing State) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var bytes: [Stream: [UInt8]] = [.output: [], .errors: []]
        var ended: Set<Stream> = []
        var status: Int32?
        var waiters: [Int: Waiter] = [:]
        var waitersMade = 0

        var isOver: Bool { status != nil && ended.count == Stream.allCases.count }

        /// Split at LF alone: to a String, CR LF is one character, and so not a place to split at.
        func lines(_ stream: Stream) -> [String] {
            var lines = (bytes[stream] ?? []).split(separator: 0x0a, omittingEmptySubsequences: false)
            // What follows the last line feed is a line only once the stream has ended.
            if !ended.contains(stream) || lines.last?.isEmpty == true { lines.removeLast() }
            return lines.map { String(decoding: $0.last == 0x0d ? $0.dropLast() : $0, as: UTF8.self) }
        }

        func text(_ stream: Stream) -> String {
            String(decoding: bytes[stream] ?? [], as: UTF8.self)
        }
    }

    package let name: String
    package let processID: Int32
    private let state: StateBox
    /// Closing it ends the group.
    private let lifeline: OwnedDescriptor
    /// What the program reads.
    private let inputEnd: OwnedDescriptor

    private final class StateBox: Sendable {
        let mutex = Mutex(State())
    }

    /// The two ends of a pipe, neither inherited by other children.
    private struct Descriptors {
        let reading: OwnedDescriptor
        let writing: OwnedDescriptor

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw Failure("no pipe: errno \(errno)") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            reading = OwnedDescriptor(ends[0])
            writing = OwnedDescriptor(ends[1])
        }
    }

    private static let spawning = Mutex(())

    /// Descriptor 0 is the lifeline, 3 the program's input.
    private static let wrapper = """
        exec 4<&0 <&3 3<&-
        { cat <&4 >/dev/null; kill -KILL 0; } </dev/null >/dev/null 2>&1 &
        cd -- "$1" && shift && exec "$@" 4<&-
        """

    /// Starts `command`, looked up in PATH and the system's directories for servers.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - environment: Variables to set beside those inherited.
    ///   - directory: The working directory.
    ///   - hasInput: Whether its standard input is a pipe for ``write(_:)``; else it is at its end.
    /// - Throws: Whatever keeps the shell from starting; a program that is not there is an exit code of 127.
    package init(
        _ command: [String],
        environment: [String: String] = [:],
        directory: String? = nil,
        hasInput: Bool = false
    ) throws {
        let state = StateBox()
        // One at a time: a child started between the making of a pipe and its flag would inherit the pipe.
        let (life, output, errors, input, processID) = try Self.spawning.withLock { _ in
            let (life, input) = (try Descriptors(), try Descriptors())
            let (output, errors) = (try Descriptors(), try Descriptors())
            let processID = try Self.spawn(
                ["/bin/sh", "-c", Self.wrapper, "sh", directory ?? "."] + command,
                environment: Self.environment.merging(environment) { $1 },
                descriptors: [life.reading, output.writing, errors.writing, input.reading].map(\.number)
            )
            return (life, output, errors, input, processID)
        }
        for descriptor in [life.reading, output.writing, errors.writing, input.reading] { descriptor.close() }
        if !hasInput { input.writing.close() }
        self.processID = processID
        (name, self.state, lifeline, inputEnd) = (command.first ?? "", state, life.writing, input.writing)
        Self.collect(.output, from: output.reading, into: state)
        Self.collect(.errors, from: errors.reading, into: state)
        let lifeline = lifeline
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(processID, &status, 0) < 0, errno == EINTR {}
            lifeline.close()
            let signal = status & 0x7f
            let code = signal == 0 ? (status >> 8) & 0xff : 128 + signal
            Self.change(state) { $0.status = code }
        }
    }

    deinit {
        kill()
    }

    /// Runs `command` to its end.
    package static func run(
        _ command: [String],
        environment: [String: String] = [:],
        directory: String? = nil,
        within bound: Duration = .seconds(120)
    ) async throws -> Outcome {
        try await RunningProcess(command, environment: environment, directory: directory).outcome(within: bound)
    }

    /// The same, and anything but exit code 0 is an error that shows what the program said.
    @discardableResult
    package static func succeed(
        _ command: [String],
        environment: [String: String] = [:],
        directory: String? = nil,
        within bound: Duration = .seconds(120)
    ) async throws -> Outcome {
        let outcome = try await run(command, environment: environment, directory: directory, within: bound)
        guard outcome.status == 0 else {
            throw Failure(
                "\(command.joined(separator: " ")): exit code \(outcome.status): \(outcome.errors.suffix(2000))"
            )
        }
        return outcome
    }

    /// Whether `program` is to be had.
    package static func isInstalled(_ program: String) -> Bool {
        (environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    /// The complete lines so far.
    package func lines(_ stream: Stream) -> [String] {
        state.mutex.withLock { $0.lines(stream) }
    }

    /// The first line with a match of `pattern`, when it has come; throws if the program ends without it.
    package func line(
        _ stream: Stream = .errors,
        matching pattern: @escaping @Sendable (String) -> Bool,
        within bound: Duration = .seconds(60)
    ) async throws -> String {
        try await wait(bound) { $0.ended.contains(stream) || $0.lines(stream).contains(where: pattern) }
        guard let line = lines(stream).first(where: pattern) else {
            try await wait(.seconds(10)) { $0.isOver }
            throw Failure("\(name) did not say what was waited for; \(lastWords)")
        }
        return line
    }

    /// Returns when all lines so far are what `isEnough` asks for, or the program is over.
    package func lines(
        _ stream: Stream,
        within bound: Duration,
        until isEnough: @escaping @Sendable ([String]) -> Bool
    ) async throws {
        try await wait(bound) { $0.ended.contains(stream) || isEnough($0.lines(stream)) }
    }

    /// How it ended, when it has; killed and an error if that is not within the bound.
    @discardableResult
    package func outcome(within bound: Duration = .seconds(60)) async throws -> Outcome {
        try await wait(bound) { $0.isOver }
        return state.mutex.withLock {
            Outcome(status: $0.status ?? -1, output: $0.text(.output), errors: $0.text(.errors))
        }
    }

    /// Writes to the program's standard input; throws if it reads no more.
    ///
    /// Blocks while the pipe is full.
    package func write(_ text: String) throws {
        guard inputEnd.write(Array(text.utf8)) else { throw Failure("\(name) reads no more; \(lastWords)") }
    }

    /// Ends the program's standard input.
    package func endInput() {
        inputEnd.close()
    }

    /// An amount of memory in octets, as proc_pid_status(5) calls it: `VmHWM` is the most that was resident at a time.
    package func memory(_ name: String) throws -> Int64 {
        let status = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        guard let kibibytes = line?.firstMatch(of: #/(\d+) kB/#)?.1 else {
            throw Failure("no \(name) in its status")
        }
        return (Int64(kibibytes) ?? 0) << 10
    }

    /// Sends a signal to the program alone.
    package func send(_ signal: Int32) {
        state.mutex.withLock { if $0.status == nil { _ = Foundation.kill(processID, signal) } }
    }

    /// Kills the program and all that it started.
    package func kill() {
        lifeline.close()
    }

    private var lastWords: String {
        state.mutex.withLock {
            "status \($0.status.map(String.init) ?? "none"), it said: \(($0.text(.output) + $0.text(.errors)).suffix(2000))"
        }
    }

    private static var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["PATH", default: "/usr/bin:/bin"] += ":/usr/sbin:/sbin"
        return environment
    }

    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

    /// posix_spawn_file_actions_addclosefrom_np(3), which Glibc has from 2.34 on and hides behind a feature macro.
    private static let closeFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
        unsafeBitCast($0, to: CloseFrom.self)
    }

    /// Starts `command` in a session of its own with `descriptors` as 0, 1 and 2.
    ///
    /// Foundation's Process is not used because it takes a child for running while a descendant of it runs.
    private static func spawn(
        _ command: [String],
        environment: [String: String],
        descriptors: [Int32]
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (number, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        // What other tests have open at the moment is not to count against a program's limit.
        if let closeFrom { _ = closeFrom(&actions, Int32(descriptors.count)) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // POSIX_SPAWN_SETSID is 0x80; it hides behind a feature macro.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80))
        let arguments = command.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var processID: Int32 = 0
        let code = posix_spawn(&processID, command[0], &actions, &attributes, arguments, variables)
        guard code == 0 else { throw Failure("could not start \(command[0]): errno \(code)") }
        return processID
    }

    /// Reads a stream to its end on a thread of its own.
    private static func collect(_ stream: Stream, from descriptor: OwnedDescriptor, into state: StateBox) {
        Thread.detachNewThread {
            while case let bytes = descriptor.readSome(), !bytes.isEmpty {
                change(state) { $0.bytes[stream]?.append(contentsOf: bytes) }
            }
            change(state) { _ = $0.ended.insert(stream) }
        }
    }

    /// Changes the state, then resumes those whose wait came true, outside the lock.
    private static func change(_ state: StateBox, _ body: (inout State) -> Void) {
        let ready = state.mutex.withLock { state in
            body(&state)
            let ready = state.waiters.filter { $0.value.isDone(state) || state.isOver }
            for id in ready.keys { state.waiters[id] = nil }
            return ready.values.map(\.continuation)
        }
        for continuation in ready { continuation.resume() }
    }

    /// Returns when `isDone` holds or the program is over; kills it and throws after `bound`.
    private func wait(_ bound: Duration, until isDone: @escaping @Sendable (borrowing State) -> Bool) async throws {
        let id = state.mutex.withLock { state in
            state.waitersMade += 1
            return state.waitersMade
        }
        let inTime = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await withCheckedContinuation { continuation in
                    let isReady = self.state.mutex.withLock { state in
                        if isDone(state) || state.isOver { return true }
                        state.waiters[id] = Waiter(isDone: isDone, continuation: continuation)
                        return false
                    }
                    if isReady { continuation.resume() }
                }
                return true
            }
            group.addTask {
                do { try await Task.sleep(for: bound) } catch { return true }
                return false
            }
            let first = await group.next() ?? true
            group.cancelAll()
            if !first {
                self.kill()
                self.state.mutex.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
            }
            return first
        }
        if !inTime { throw Failure("\(name) took longer than \(bound); \(lastWords)") }
    }
}
