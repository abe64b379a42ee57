// `cdn URL`: a caching proxy in front of a media URL.

import Daemon
import Glibc
import HTTPCache
import HTTPServer
import Logging

@main
enum Cdn {
    static func main() async {
        let environment = Program.environment
        await Program(name: "cdn", settings: CdnCommand.settings).run(
            CdnCommand.self,
            arguments: Array(CommandLine.arguments.dropFirst()),
            environment: environment
        ) { command in
            let options = try CdnOptions(command, environment: environment)
            if let store = options.store {
                try StandardDirectories.prepare(store.directory, orElse: CdnMessages.storeHint)
            }
            LineLogHandler.bootstrap(format: options.logFormat, level: options.logLevel, now: wallClock)
            try await serve(options: options)
        }
    }

    /// Assembles store, client, cache and server, and runs them until a signal.
    static func serve(options: CdnOptions) async throws {
        let logger = Logger(label: "cdn")
        let assembly = try Assembly(options, logger: logger)
        let server = assembly.server()
        let bound: [BoundAddress]
        do throws(HTTPServerError) {
            bound = try await server.bind()
        } catch {
            throw bindFailure(error, options)
        }
        StandardError.write(CdnMessages.ready(options, port: bound.first?.port ?? options.port) + "\n")
        if options.originProxy == nil {
            OriginProbe.start(options.origin) { reason in
                StandardError.write(CdnMessages.unreachable(options.origin, reason: reason) + "\n")
            }
        }
        try await Services(assembly.services(server), logger: logger).run()
    }

    private static func bindFailure(_ error: HTTPServerError, _ options: CdnOptions) -> ExitFailure {
        .bind(
            host: options.hosts.first ?? "localhost",
            port: options.port,
            code: systemErrorCode(of: error),
            nextFree: { FreePort.next(after: options.port, on: options.hosts) }
        )
    }

    private static func systemErrorCode(of error: HTTPServerError) -> Int32 {
        switch error.code {
        case .addressInUse: EADDRINUSE
        case .permissionDenied: EACCES
        case .addressUnavailable, .badAddress: EADDRNOTAVAIL
        default: EINVAL
        }
    }

    /// The time since 1970-01-01T00:00:00Z.
    @Sendable
    private static func wallClock() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
