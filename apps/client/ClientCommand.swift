// The command line of client: every flag, its default and its help.

import ArgumentParser
import Daemon

/// The flags as typed; ``ClientOptions`` is what they mean.
struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Chat in a terminal: messages go straight to the other person's client, sealed end to end.",
        discussion: """
            EXAMPLES
              client 8081 Alice http://localhost:8080
                  Alice listens on port 8081; the registry is at localhost:8080.
              @Bob: Hello Bob!!
                  Typed there: goes to Bob. '@Bob, Carol: hi' goes to both,
                  a line without '@' to the last ones again.
              echo '@Alice: hi' | client 8082 Bob http://localhost:8080
                  Sends, waits up to --wait for the delivery, and exits:
                  0 if delivered, 75 if not yet.
              client 8081 Alice https://registry.example \\
                --url http://alice.example:8081
                  Found by others under that URL.

            In a terminal, /help tells the commands. Identity, outbox, known keys and history are kept in \
            $XDG_STATE_HOME/waystation/client/NAME (~/.local/state/...), for this user alone.

            Every flag can be set as WAYSTATION_CLIENT_TTL=10 in the environment, or as 'ttl = 10' in the file that \
            --config names. Flags count over the environment, the environment over the file.
            """,
        version: Program.version
    )

    /// All that can stand in the environment and the configuration file.
    static let settings =
        [
            Setting("identity"), Setting("listen"), Setting("url"), Setting("ttl"), Setting("wait"),
            Setting("no-seal", .flag), Setting("history"), Setting("allow-local", .flag), Setting("ca"),
            Setting("log-format"), Setting("verbose", .flag),
        ] + TLSOptions.settings

    @Argument(help: "Where to listen; 0: any free port.", transform: ListenValues.port)
    var port: Int

    @Argument(help: "Your name: 1 to 64 letters, digits, - _ . and single spaces.")
    var name: String

    @Argument(help: "The registry's URL: http://localhost:8080.")
    var registry: String

    @Option(help: ArgumentHelp("The key that your name belongs to; made if it is not there.", valueName: "file"))
    var identity: String?

    @Option(
        help: ArgumentHelp(
            "The address to listen on. (default: loopback for a registry on loopback, else all)",
            valueName: "address"
        ),
        transform: ListenValues.host
    )
    var listen: [String]?

    @Option(
        help: ArgumentHelp("Where others reach you. (default: your address towards the registry)", valueName: "url")
    )
    var url: String?

    @Option(
        help: ArgumentHelp("How long others take you for present after a sign of life. (default: 30)", valueName: "s"),
        transform: ClientValues.ttl
    )
    var ttl = 30

    @Option(
        help: ArgumentHelp(
            "How long to wait for deliveries at the end of input. (default: 30)",
            valueName: "s"
        ),
        transform: ClientValues.wait
    )
    var wait = Duration.seconds(30)

    @Flag(help: "Send plain text to peers without a key.")
    var noSeal = false

    @Option(help: ArgumentHelp("Where to keep what was said; 'none' for nowhere.", valueName: "file"))
    var history: String?

    @Flag(help: "Connect to addresses more local than the registry's, too.")
    var allowLocal = false

    @OptionGroup
    var tls: TLSOptions

    @Option(help: ArgumentHelp("Certificates (PEM) to trust https registries and peers by.", valueName: "file"))
    var ca: String?

    @Option(help: ArgumentHelp("Read settings from this file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("How log lines look.", valueName: "format"))
    var logFormat = LogFormatName.text

    @Flag(help: "Log what happens, not only what went wrong.")
    var verbose = false
}
