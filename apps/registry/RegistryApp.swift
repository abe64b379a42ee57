// `registry`: tells peers where to find each other.

import Daemon
import Glibc
import HTTPServer
import Logging

@main
enum RegistryApp {
    static func main() async {
        let environment = Program.environment
        await Program(name: "registry", settings: RegistryCommand.settings).run(
            RegistryCommand.self,
            arguments: Array(CommandLine.arguments.dropFirst()),
            environment: environment
        ) { command in
            let options = try RegistryOptions(command, environment: environment)
            LineLogHandler.bootstrap(format: options.logFormat, level: options.logLevel, now: WallClock.sinceEpoch)
            try await serve(options)
        }
    }

    /// Opens the store, binds, says so, and runs until a signal.
    static func serve(_ options: RegistryOptions) async throws {
        let logger = Logger(label: "registry")
        let assembly = try await Assembly(options, logger: logger)
        try await assembly.prepare()
        let server = assembly.server()
        let port = try await bind(server, options)
        let admin = assembly.adminServer()
        if let admin { _ = try await bind(admin, options) }
        let scheme = options.tls == nil ? "http" : "https"
        let place = ListenValues.display(options.hosts, port: port, scheme: scheme)
        StandardError.write("registry: serving \(options.store.display) on \(place)\n")
        try await Services(assembly.services(server, admin), logger: logger).run()
    }

    /// The port that is really bound.
    private static func bind(_ server: Server, _ options: RegistryOptions) async throws(ExitFailure) -> Int {
        do throws(HTTPServerError) {
            return try await server.bind().first?.port ?? options.port
        } catch {
            switch error.code {
            case .addressInUse: throw failure(EADDRINUSE, options)
            case .permissionDenied: throw failure(EACCES, options)
            case .addressUnavailable, .badAddress: throw failure(EADDRNOTAVAIL, options)
            default: throw ExitFailure(.configuration, error.message)
            }
        }
    }

    private static func failure(_ code: Int32, _ options: RegistryOptions) -> ExitFailure {
        .bind(host: options.hosts.first ?? "localhost", port: options.port, code: code) {
            FreePort.next(after: options.port, on: options.hosts)
        }
    }
}

/// The time of day.
enum WallClock {
    @Sendable
    static func sinceEpoch() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
