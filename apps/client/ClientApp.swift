// `client PORT NAME REGISTRY`: chat in a terminal, straight from client to client.

import Chat
import ChatSQLite
import Daemon
import Glibc
import HTTP
import HTTPServer
import Logging
import Synchronization
import TerminalUI

@main
enum ClientApp {
    static func main() async {
        let environment = Program.environment
        await Program(name: "client", settings: ClientCommand.settings).run(
            ClientCommand.self,
            arguments: Array(CommandLine.arguments.dropFirst()),
            environment: environment
        ) { command in
            let options = try ClientOptions(command, environment: environment)
            let state = try StateDirectory(of: options.name, environment: environment)
            // On a terminal, log lines would be written across the line of input.
            let isOnScreen = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1
            LineLogHandler.bootstrap(
                format: options.logFormat,
                level: isOnScreen ? .critical : options.logLevel,
                now: WallClock.sinceEpoch
            )
            try await converse(options, state)
        }
    }

    /// Binds, opens the terminal, and runs until the person leaves, the input ends or a signal comes.
    static func converse(_ options: ClientOptions, _ state: StateDirectory) async throws {
        let logger = Logger(label: "client")
        let door = LateResponder()
        let server = server(options, door, logger)
        let port = try await bind(server, options)
        let place = try Place(options, port: port)
        var configuration = TerminalConfiguration()
        let completions = Completions()
        configuration.completions = completions.candidates(before:)
        configuration.inputsMax = 512
        configuration.keepsLine = completions.keepsLine
        let terminal = try Terminal(configuration)
        do {
            let assembly = try await Assembly(options, state: state, terminal: terminal, place: place, logger: logger)
            completions.session.withLock { $0 = assembly.session }
            door.open(to: assembly.listener)
            let host = options.hosts.first ?? "127.0.0.1"
            let base = "\(options.scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
            let ready = "\(options.name) on \(base), registry \(options.registry)"
            if terminal.isInteractive {
                await terminal.show(TerminalText("\(ready); /help tells the commands", style: .dim))
            } else {
                StandardError.write("client: \(ready)\n")
            }
            let conversation = Conversation(assembly: assembly, terminal: terminal)
            try await Services(assembly.services(server), leading: conversation, logger: logger).run()
            await terminal.close()
            try assembly.store.close()
            try conversation.outcome()
        } catch {
            await terminal.close()
            throw failure(error)
        }
    }

    private static func failure(_ error: any Error) -> any Error {
        guard let error = error as? ChatError else { return error }
        switch error.code {
        case .nameTaken: return ExitFailure(.noPermission, error.message)
        case .storeFailed: return ExitFailure(.inputOutput, error.message)
        default: return ExitFailure(.unavailable, error.message)
        }
    }

    private static func server(_ options: ClientOptions, _ responder: LateResponder, _ logger: Logger) -> Server {
        var configuration = HTTPServerConfiguration { WallClock.now().seconds }
        configuration.addresses =
            options.hosts == ListenValues.loopbacks
            ? [.loopback(port: options.port)] : options.hosts.map { .host($0, port: options.port) }
        configuration.tls = options.tls
        configuration.connectionsMax = 1_000
        configuration.headBytesMax = 8 << 10
        configuration.requestLineBytesMax = 4 << 10
        configuration.shutdownGrace = .seconds(2)
        return Server(configuration: configuration, responder: responder, logger: logger)
    }

    /// The port that is really bound.
    private static func bind(_ server: Server, _ options: ClientOptions) async throws(ExitFailure) -> Int {
        do throws(HTTPServerError) {
            return try await server.bind().first?.port ?? options.port
        } catch {
            throw .listening(error.message, code: error.systemErrorCode, hosts: options.hosts, port: options.port) {
                "client \($0) \(options.name) \(options.registry)"
            }
        }
    }
}
