// Tests of what signals and failures do to services.

import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Daemon

@Suite(.serialized) struct ServicesTests {
    /// Writes down its end, and may send this process a signal once it runs.
    struct Probe: Service {
        let name: String
        let log: Log
        var sends: Int32?

        func run() async throws {
            if let sends { kill(getpid(), sends) }
            try await gracefulShutdown()
            log.ends.withLock { $0.append(name) }
        }
    }

    final class Log: Sendable {
        let ends = Mutex<[String]>([])
    }

    struct Failing: Service {
        struct Failure: Error {}
        func run() async throws { throw Failure() }
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test(.timeLimit(.minutes(5)), arguments: [SIGTERM, SIGINT])
    func `the first signal shuts down in reverse order`(signal: Int32) async throws {
        let log = Log()
        let services = Services(
            [Probe(name: "store", log: log), Probe(name: "server", log: log, sends: signal)],
            logger: Self.quiet
        )
        try await services.run()
        #expect(log.ends.withLock { $0 } == ["server", "store"])
    }

    @Test(.timeLimit(.minutes(5)))
    func `a service that does not finish in time is cancelled, which is no error`() async throws {
        struct Stubborn: Service {
            let log: Log
            func run() async throws {
                try await gracefulShutdown()
                do {
                    // Until it is cancelled; no test waits for the end of it.
                    try await Task.sleep(for: .seconds(3600))
                } catch {
                    log.ends.withLock { $0.append("cancelled") }
                    throw error
                }
            }
        }
        let log = Log()
        let services = Services(
            [Stubborn(log: log), Probe(name: "server", log: log, sends: SIGTERM)],
            gracePeriod: .milliseconds(10),
            logger: Self.quiet
        )
        try await services.run()
        #expect(log.ends.withLock { $0 } == ["server", "cancelled"])
    }

    @Test(.timeLimit(.minutes(5)))
    func `a service that fails ends the others and its error comes through`() async {
        await #expect(throws: Failing.Failure.self) {
            try await Services([Probe(name: "store", log: Log()), Failing()], logger: Self.quiet).run()
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `SIGHUP has files read anew and ends nothing`() async throws {
        struct Asking: Service {
            let reloads: AsyncStream<Void>
            func run() async throws {
                kill(getpid(), SIGHUP)
                for await _ in reloads { break }
                kill(getpid(), SIGHUP)
                for await _ in reloads { break }
                kill(getpid(), SIGTERM)
                try await gracefulShutdown()
            }
        }
        let (reloads, reload) = AsyncStream.makeStream(of: Void.self)
        let services = Services([Asking(reloads: reloads)], onHangUp: { reload.yield() }, logger: Self.quiet)
        try await services.run()
    }

    @Test func `SIGHUP of a terminal that is gone ends the program`() {
        #expect(Services.action(onSignal: 0, number: SIGHUP) == .reload)
        #expect(Services.action(onSignal: 1, number: SIGHUP, lostTerminal: true) == .shutDown)
        #expect(Services.action(onSignal: 2, number: SIGHUP, lostTerminal: true) == .force(exitCode: 129))
    }

    @Test func `a second signal ends the process as the signal would have`() {
        #expect(Services.action(onSignal: 1, number: SIGTERM) == .shutDown)
        #expect(Services.action(onSignal: 2, number: SIGTERM) == .force(exitCode: 143))
        #expect(Services.action(onSignal: 3, number: SIGINT) == .force(exitCode: 130))
    }
}
