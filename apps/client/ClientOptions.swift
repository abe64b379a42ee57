// What the flags of client mean, checked: all that the assembly of its parts needs.

import Daemon
import HTTPServer
import Logging
import PeerIdentity

/// Everything client was told.
struct ClientOptions: Sendable {
    /// Where what was said is kept.
    enum History: Sendable, Equatable {
        /// In the state directory.
        case standard
        case file(String)
        case none
    }

    var port: Int
    var name: PeerIdentifier
    var registry: PeerURL
    var identityFile: String?
    /// Numeric.
    var hosts: [String]
    /// Nil: the local address of the connection to the registry.
    var url: PeerURL?
    var ttlSeconds: Int
    var wait: Duration
    var sendsPlain: Bool
    var history: History
    var allowsLocal: Bool
    /// Nil: plain HTTP.
    var tls: TLSConfiguration?
    var caFile: String?
    var logFormat: LogFormat
    var logLevel: Logger.Level

    /// Whether the registry is on this machine, by its name or address.
    var isRegistryLocal: Bool { Self.isLoopback(registry.host) }

    var scheme: String { tls == nil ? "http" : "https" }

    /// Checks `command`; opens nothing yet.
    ///
    /// - Throws: ``ExitFailure`` with code 64 for what is no name or URL.
    init(_ command: ClientCommand, environment: [String: String]) throws(ExitFailure) {
        port = command.port
        do throws(PeerIdentityError) {
            name = try PeerIdentifier(command.name)
        } catch {
            throw ExitFailure(.usage, "the name '\(command.name)': \(error)")
        }
        registry = try Self.url(command.registry, "the registry's URL")
        identityFile = command.identity
        hosts = command.listen ?? (Self.isLoopback(registry.host) ? ListenValues.loopbacks : ["0.0.0.0", "::"])
        url = try command.url.map { text throws(ExitFailure) in try Self.url(text, "--url") }
        (ttlSeconds, wait) = (command.ttl, command.wait)
        (sendsPlain, allowsLocal) = (command.noSeal, command.allowLocal)
        switch command.history {
        case nil: history = .standard
        case "none": history = .none
        case .some(let file): history = .file(file)
        }
        tls = try command.tls.files().map { TLSConfiguration(certificateFile: $0.certificate, keyFile: $0.key) }
        caFile = command.ca
        logFormat = command.logFormat.format(environment: environment)
        logLevel = command.verbose ? .debug : .warning
    }

    private static func url(_ text: String, _ what: String) throws(ExitFailure) -> PeerURL {
        do throws(PeerIdentityError) {
            return try PeerURL(text)
        } catch {
            throw ExitFailure(.usage, "\(what) '\(text)': \(error)")
        }
    }

    /// Whether a host is this machine by its name; others are what they resolve to.
    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host.hasSuffix(".localhost") || AddressScope(literal: host) == .loopback
    }
}
