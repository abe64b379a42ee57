// `cdn URL`: a caching proxy in front of a media URL.

import Daemon
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
            LineLogHandler.bootstrap(format: options.logFormat, level: options.logLevel, now: WallClock.sinceEpoch)
            try await serve(options: options)
        }
    }

    /// Assembles store, client, cache and server, and runs them until a signal.
    static func serve(options: CdnOptions) async throws {
        let logger = Logger(label: "cdn")
        let assembly = try Assembly(options, logger: logger)
        let server = assembly.server()
        let port = try await bind(server, options.hosts, options.port, flag: "--port")
        let admin = assembly.adminServer(of: server)
        if let admin {
            let port = try await bind(admin, ListenValues.loopbacks, options.adminPort ?? 0, flag: "--admin-port")
            StandardError.write(CdnMessages.admin(port: port) + "\n")
        }
        StandardError.write(CdnMessages.ready(options, port: port) + "\n")
        if options.originProxy == nil {
            OriginProbe.start(options.origin) { reason in
                StandardError.write(CdnMessages.unreachable(options.origin, reason: reason) + "\n")
            }
        }
        var onHangUp: (@Sendable () -> Void)?
        if assembly.accessLog != nil || options.tls != nil {
            onHangUp = { [log = assembly.accessLog] in
                log?.reopen()
                server.reload()
            }
        }
        try await Services(assembly.services(server, admin), onHangUp: onHangUp, logger: logger).run()
    }

    /// The port that is really bound.
    private static func bind(
        _ server: Server,
        _ hosts: [String],
        _ port: Int,
        flag: String
    ) async throws(ExitFailure) -> Int {
        do throws(HTTPServerError) {
            return try await server.bind().first?.port ?? port
        } catch {
            throw .listening(error.message, code: error.systemErrorCode, hosts: hosts, port: port) { "\(flag) \($0)" }
        }
    }
}
