// The command line of cdn: every flag, its default and its help.

import ArgumentParser
import Daemon

/// The flags as typed; ``CdnOptions`` is what they mean.
struct CdnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cdn",
        abstract: "A caching proxy in front of a media URL.",
        discussion: """
            EXAMPLES
              cdn http://127.0.0.1:9000/film.mp4
                  The film is at http://localhost:8080/ and, once played, here.
              cdn https://media.example/live/master.m3u8
                  / is the playlist; its segments stand beside it.
              cdn http://nas.local/media/
                  /x.mp4 is http://nas.local/media/x.mp4.
              cdn --port 9090 --host 0.0.0.0 --host :: http://nas.local/media/
                  The same on port 9090, for other machines too.
              cdn --store /srv/cache --store-size 200GiB http://nas.local/media/
                  More room, elsewhere; '--store none' keeps nothing on disk.
              cdn --port 443 --host :: --tls-cert cert.pem --tls-key key.pem http://nas.local/
                  https; the files are read again when they change.
              cdn --config /etc/waystation/cdn.conf http://nas.local/media/
                  The file has lines like 'store-size = 200GiB' and '# comments'.

            Every flag can be set as WAYSTATION_CDN_STORE_SIZE=200GiB in the environment, too. Flags count over the \
            environment, the environment over the file. Flags without a value take true or false there, a repeatable \
            one takes values with commas between.

            At SIGHUP it opens the access log anew, for logrotate, and reads certificate and key again.

            Stop it with Ctrl-C: it finishes what runs; a second Ctrl-C ends it at once.
            """,
        version: Program.version
    )

    /// All that can stand in the environment and the configuration file.
    static let settings =
        [
            Setting("port"), Setting("host", .list), Setting("store"), Setting("store-size"), Setting("memory"),
            Setting("origin-timeout"), Setting("origin-proxy"), Setting("origin-ca"),
            Setting("ignore-client-cache-control", .flag), Setting("no-store-set-cookie", .flag),
            Setting("no-store-close-delimited", .flag), Setting("access-log"), Setting("admin-port"),
            Setting("log-format"), Setting("verbose", .flag),
        ] + TLSOptions.settings

    @Argument(help: "One medium (http://host/film.mp4), or a directory or site (http://host/media/).")
    var url: String

    @Option(
        help: "Where to listen; 0: any free port, told by the ready line. (default: \(Default.port))",
        transform: ListenValues.port
    )
    var port = Default.port

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
            "Where to keep bodies; 'none' for nowhere. (default: $XDG_CACHE_HOME/waystation/cdn)",
            valueName: "directory"
        )
    )
    var store: String?

    @Option(
        help: ArgumentHelp("How much to keep there. (default: \(Default.storeSize))", valueName: "size"),
        transform: Values.size
    )
    var storeSize = Default.storeSize

    @Option(
        help: ArgumentHelp("How much to keep in memory. (default: \(Default.memory))", valueName: "size"),
        transform: ByteCount.init(parsing:)
    )
    var memory = Default.memory

    @Option(
        help: ArgumentHelp(
            "How long the origin may take to connect, answer, or send more. (default: \(Default.originTimeout.text))",
            valueName: "time"
        ),
        transform: Values.timeout
    )
    var originTimeout = Default.originTimeout

    @Option(help: ArgumentHelp("An HTTP proxy to reach the origin by.", valueName: "url"))
    var originProxy: String?

    @Option(
        name: .customLong("origin-ca"),
        help: ArgumentHelp("Certificates (PEM) to trust an https origin by.", valueName: "file")
    )
    var originCA: String?

    @Flag(help: "Do not let a client's Cache-Control bypass the cache.")
    var ignoreClientCacheControl = false

    @Flag(help: "Do not store responses that set a cookie.")
    var noStoreSetCookie = false

    @Flag(help: "Do not store responses whose end only the closing of the connection marks.")
    var noStoreCloseDelimited = false

    @OptionGroup
    var tls: TLSOptions

    @Option(
        help: ArgumentHelp(
            "Write a line for each answer to this file, in the combined format; '-': standard output.",
            valueName: "file"
        )
    )
    var accessLog: String?

    @Option(
        help: ArgumentHelp(
            "Answer /health, /metrics and /fills on this port of the loopback; 0: any free one.",
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

    /// What holds where nothing is set.
    enum Default {
        static let port = 8080
        static let storeSize = ByteCount.gibibytes(10)
        static let memory = ByteCount.mebibytes(256)
        static let originTimeout = Duration.seconds(30)
    }
}
