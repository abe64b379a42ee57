// Runs a program's services until a signal or a failure ends them.

package import Logging
package import ServiceLifecycle
import Synchronization
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The services of one program, started in order and stopped in reverse.
package struct Services: Sendable {
    /// What a signal does.
    enum SignalAction: Equatable {
        /// Stop accepting, finish what runs.
        case shutDown
        /// End at once, with the exit code of a process that the signal killed.
        case force(exitCode: Int32)
    }

    /// Whether a signal has come.
    private final class StopRequest: Sendable {
        let isMade = Mutex(false)
    }

    private let services: [any Service]
    private let leading: (any Service)?
    private let gracePeriod: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - services: In the order of their start: what others need first, servers last.
    ///   - leading: Starts last; when it returns, the others are shut down gracefully and the program is done.
    ///   - gracePeriod: How long they get to finish after the first signal before they are cancelled.
    ///   - logger: Told of signals.
    package init(
        _ services: [any Service],
        leading: (any Service)? = nil,
        gracePeriod: Duration = .seconds(30),
        logger: Logger
    ) {
        self.services = services
        self.leading = leading
        self.gracePeriod = gracePeriod
        self.logger = logger
    }

    /// Runs them until they end.
    ///
    /// The first SIGTERM or SIGINT shuts down gracefully, a second one ends the process at once. Services that have not
    /// finished after the grace period are cancelled, which is logged and no error. A service that throws
    /// cancels the others, and its error is thrown here. One that returns of its own accord is an error too.
    package func run() async throws {
        var configurations = services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        if let leading {
            configurations.append(
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: leading,
                    successTerminationBehavior: .gracefullyShutdownGroup
                )
            )
        }
        var configuration = ServiceGroupConfiguration(services: configurations, logger: logger)
        configuration.maximumGracefulShutdownDuration = gracePeriod
        let group = ServiceGroup(configuration: configuration)
        // The group does not trap them itself, as it reacts to the first one only. From here on none is missed.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let stop = StopRequest()

        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                var count = 0
                for await signal in signals {
                    count += 1
                    logger.info("Received a signal", metadata: ["signal": "\(signal)", "signal.count": "\(count)"])
                    switch Self.action(onSignal: count, number: signal.rawValue) {
                    case .shutDown:
                        stop.isMade.withLock { $0 = true }
                        await group.triggerGracefulShutdown()
                    case .force(let exitCode): _exit(exitCode)
                    }
                }
            }
            // The signals end only when cancelled: the first to end is the group.
            defer { tasks.cancelAll() }
            do {
                try await tasks.next()
            } catch is CancellationError where stop.isMade.withLock({ $0 }) {
                logger.warning("Cut off what had not finished in time", metadata: ["shutdown.grace": "\(gracePeriod)"])
            }
        }
    }

    static func action(onSignal count: Int, number: Int32) -> SignalAction {
        count == 1 ? .shutDown : .force(exitCode: 128 + number)
    }
}
