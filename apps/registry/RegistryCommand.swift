// The command line of registry: every flag, its default and its help.

import ArgumentParser
import Daemon

/// The flags as typed; ``RegistryOptions`` is what they mean.
struct RegistryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry",
        abstract: "Tells peers where to find each other: names that belong to keys, URLs, presence.",
        discussion: """
            EXAMPLES
              registry
                  For this machine, on http://localhost:8080; it forgets everything
                  when it stops.
              registry --host 0.0.0.0 --host :: --store sqlite:/srv/peers.sqlite
                  For other machines; kept over restarts. With --public for
                  strangers: no listing, no private addresses.
              registry --store redis://10.0.0.5:6379 --port 80
                  One of many that share one population in Redis.
              registry --open
                  Also takes plain URLs, as with
                  curl -T - http://localhost:8080/peers/Carol <<< http://localhost:9999
              registry --tls-cert cert.pem --tls-key key.pem --host 0.0.0.0
                  https.

            Every flag can be set as WAYSTATION_REGISTRY_NAME_HOLD=7d in the environment, or as 'name-hold = 7d' in the \
            file that --config names. Flags count over the environment, the environment over the file.

            Stop it with Ctrl-C: it finishes what runs; a second Ctrl-C ends it at once.
            """,
        version: Program.version
    )

    /// All that can stand in the environment and the configuration file.
    static let settings =
        [
            Setting("port"), Setting("host", .list), Setting("store"), Setting("open", .flag), Setting("public", .flag),
            Setting("name-hold"), Setting("admin-port"), Setting("log-format"),
            Setting("verbose", .flag),
        ] + TLSOptions.settings

    @Option(
        help: "Where to listen; 0: any free port, told by the ready line. (default: 8080)",
        transform: ListenValues.port
    )
    var port = 8080

    @Option(
        help: ArgumentHelp(
            "An address to listen on; repeatable. 0.0.0.0 and :: serve others. (default: 127.0.0.1 and ::1)",
            valueName: "address"
        ),
        transform: ListenValues.host
    )
    var host: [[String]] = []

    @Option(
        help: ArgumentHelp(
            "Where registrations are kept: memory, sqlite:PATH or redis://HOST:PORT. (default: memory)",
            valueName: "store"
        ),
        transform: StoreChoice.init(parsing:)
    )
    var store = StoreChoice.memory

    @Flag(help: "Also take plain URLs for names without a key, as 'curl -T' sends them: anybody can replace them.")
    var open = false

    @Flag(help: "For strangers: no listing of names, and no URLs on loopback or in private networks.")
    var `public` = false

    @Option(
        help: ArgumentHelp(
            "How long at most a name stays its key's after it was last seen. (default: 30d)",
            valueName: "time"
        ),
        transform: RegistryValues.nameHold
    )
    var nameHold = Duration.seconds(30 * 86_400)

    @OptionGroup
    var tls: TLSOptions

    @Option(
        help: ArgumentHelp(
            "Answer /health and /metrics on this port of the loopback; 0: any free one.",
            valueName: "port"
        ),
        transform: ListenValues.port
    )
    var adminPort: Int?

    @Option(help: ArgumentHelp("Read settings from this file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("How log lines look.", valueName: "format"))
    var logFormat = LogFormatName.text

    @Flag(help: "Log what happens, not only what went wrong.")
    var verbose = false
}
