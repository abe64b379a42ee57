// `cdn URL`: a caching proxy in front of a media URL.

import Daemon
import Glibc
import HTTPCache

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
    ///
    /// MARK: to be filled in: bind (``CdnMessages/bindFailure(host:port:code:nextFree:)`` with ``FreePort``), print
    /// ``CdnMessages/ready(_:port:)``, ask the origin once (``CdnMessages/unreachable(_:reason:)``), then
    /// `Services([...], logger:).run()` with the server last.
    static func serve(options: CdnOptions) async throws {
        throw ExitFailure(.software, "\(options.origin.displayURL): serving is not assembled yet")
    }

    /// The time since 1970-01-01T00:00:00Z.
    @Sendable
    private static func wallClock() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
