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
        /// Read files anew, as is usual at SIGHUP.
        case reload
    }

    /// Whether a signal has come.
    private final class StopRequest: Sendable {
        let isMade = Mutex(false)
    }

    private let services: [any Service]
    private let leading: (any Service)?
    private let gracePeriod: Duration
    private let onHangUp: (@Sendable () -> Void)?
    private let logger: Logger

    /// - Parameters:
    ///   - services: In the order of their start: what others need first, servers last.
    ///   - leading: Starts last; when it returns, the others are shut down gracefully and the program is done.
    ///   - gracePeriod: How long they get to finish after the first signal before they are cancelled.
    ///   - onHangUp: Called at SIGHUP, which then ends nothing unless the terminal that it was started from is gone; may
    ///     block. Nil leaves SIGHUP to the system, which ends the process.
    ///   - logger: Told of signals.
    package init(
        _ services: [any Service],
        leading: (any Service)? = nil,
        gracePeriod: Duration = .seconds(30),
        onHangUp: (@Sendable () -> Void)? = nil,
        logger: Logger
    ) {
        self.services = services
        self.leading = leading
        self.gracePeriod = gracePeriod
        self.onHangUp = onHangUp
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
        let trapped: [UnixSignal] = [.sigterm, .sigint] + (onHangUp == nil ? [] : [.sighup])
        let signals = await UnixSignalsSequence(trapping: trapped)
        let stop = StopRequest()
        let hadTerminal = isatty(STDERR_FILENO) == 1

        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                var count = 0
                for await signal in signals {
                    let lostTerminal = hadTerminal && isatty(STDERR_FILENO) == 0
                    if signal != .sighup || lostTerminal { count += 1 }
                    logger.info("Received a signal", metadata: ["signal": "\(signal)", "signal.count": "\(count)"])
                    switch Self.action(onSignal: count, number: signal.rawValue, lostTerminal: lostTerminal) {
                    case .shutDown:
                        stop.isMade.withLock { $0 = true }
                        await group.triggerGracefulShutdown()
                    case .force(let exitCode): _exit(exitCode)
                    case .reload: onHangUp?()
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

    /// What the signal of that number does, the `count`th of those that are to end the program.
    ///
    /// SIGHUP is one of them only if the terminal is gone: then it means what its name says.
    static func action(onSignal count: Int, number: Int32, lostTerminal: Bool = false) -> SignalAction {
        if number == SIGHUP, !lostTerminal { return .reload }
        return count == 1 ? .shutDown : .force(exitCode: 128 + number)
    }
}
