// `registry`: tells peers where to find each other.

import Daemon
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
        let port = try await bind(server, options.hosts, options.port, flag: "--port")
        let admin = assembly.adminServer()
        if let admin {
            let port = try await bind(admin, ListenValues.loopbacks, options.adminPort ?? 0, flag: "--admin-port")
            let place = ListenValues.display(ListenValues.loopbacks, port: port)
            StandardError.write("registry: /health and /metrics on \(place)\n")
        }
        let scheme = options.tls == nil ? "http" : "https"
        let place = ListenValues.display(options.hosts, port: port, scheme: scheme)
        StandardError.write("registry: serving \(options.store.display) on \(place)\n")
        try await Services(assembly.services(server, admin), logger: logger).run()
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
