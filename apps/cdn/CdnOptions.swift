// What the flags of cdn mean, checked: all that the assembly of its parts needs.

import Daemon
import Glibc
import HTTPCache
import HTTPServer
import Logging

/// Everything cdn was told.
struct CdnOptions: Sendable {
    /// A directory for bodies, made and writable, and how much may stand in it.
    struct Store: Sendable, Equatable {
        var directory: String
        var size: ByteCount
    }

    var origin: OriginMap
    /// 0 for any free one.
    var port: Int
    /// Numeric, without brackets, each once.
    var hosts: [String]
    /// Nil keeps nothing on disk.
    var store: Store?
    var memory: ByteCount
    var originTimeout: Duration
    /// A URL, perhaps with credentials: never to be logged.
    var originProxy: String?
    /// A PEM file.
    var originCA: String?
    var ignoresClientCacheControl: Bool
    var storesSetCookie: Bool
    var storesCloseDelimited: Bool
    /// Nil: plain HTTP.
    var tls: TLSConfiguration?
    /// A file, or `-` for standard output; nil for no access log.
    var accessLog: String?
    /// 0 for any free one; nil for no listener for operators.
    var adminPort: Int?
    var logFormat: LogFormat
    var logLevel: Logger.Level

    /// Whether only this machine is served, as it is by default, and no word was said about a certain address.
    var isServingLocalhost: Bool { hosts == ListenValues.loopbacks }

    /// Whether it does not matter that a host cannot be bound: many machines have no IPv6.
    func mayLack(host: String) -> Bool { host == "::1" && hosts.contains("127.0.0.1") }

    /// Checks `command`; makes no directory yet.
    ///
    /// - Throws: ``ExitFailure`` with code 64 for a malformed URL or an unreadable file, 78 if the environment names no place for a cache.
    init(_ command: CdnCommand, environment: [String: String]) throws(ExitFailure) {
        do throws(OriginMapError) {
            origin = try OriginMap(command.url)
        } catch {
            throw ExitFailure(.usage, "the URL \(error)")
        }
        if let proxy = command.originProxy {
            do throws(OriginMapError) {
                _ = try OriginMap(proxy)
            } catch {
                throw ExitFailure(.usage, "the --origin-proxy URL \(error)")
            }
        }
        originProxy = command.originProxy
        if let file = command.originCA, access(file, R_OK) != 0 {
            throw ExitFailure(.usage, "cannot read --origin-ca \(file): \(String(cString: strerror(errno)))")
        }
        originCA = command.originCA

        port = command.port
        hosts = ListenValues.hosts(command.host)

        store = try Self.storeDirectory(command.store, environment: environment).map {
            Store(directory: $0, size: command.storeSize)
        }
        memory = command.memory
        originTimeout = command.originTimeout
        ignoresClientCacheControl = command.ignoreClientCacheControl
        storesSetCookie = !command.noStoreSetCookie
        storesCloseDelimited = !command.noStoreCloseDelimited
        tls = try command.tls.files().map { TLSConfiguration(certificateFile: $0.certificate, keyFile: $0.key) }
        accessLog = try Self.accessLog(command.accessLog, environment: environment)
        adminPort = command.adminPort
        logFormat = command.logFormat.format(environment: environment)
        logLevel = command.verbose ? .debug : .notice
    }

    private static func storeDirectory(
        _ text: String?,
        environment: [String: String]
    ) throws(ExitFailure) -> String? {
        switch text {
        case "none": return nil
        case nil:
            return try StandardDirectories(environment: environment).cache("cdn", orElse: CdnMessages.storeHint)
        case "":
            throw ExitFailure(.usage, "--store names no directory; give \(CdnMessages.storeHint)")
        case .some(let path):
            return expanded(path, environment)
        }
    }

    private static func accessLog(_ text: String?, environment: [String: String]) throws(ExitFailure) -> String? {
        guard text != "" else {
            throw ExitFailure(.usage, "--access-log names no file; give --access-log FILE, or - for standard output")
        }
        return text.map { expanded($0, environment) }
    }

    /// With the home directory for `~`: no shell has seen what comes from the environment or the file.
    private static func expanded(_ path: String, _ environment: [String: String]) -> String {
        guard path.hasPrefix("~/"), let home = environment["HOME"], !home.isEmpty else { return path }
        return home + path.dropFirst()
    }
}
