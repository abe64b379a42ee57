// What the flags of registry mean, checked: all that the assembly of its parts needs.

import Daemon
import HTTPServer
import Logging

/// Everything registry was told.
struct RegistryOptions: Sendable {
    /// 0 for any free one.
    var port: Int
    /// Numeric, without brackets, each once.
    var hosts: [String]
    var store: StoreChoice
    var isOpen: Bool
    var isPublic: Bool
    var nameHold: Duration
    /// Nil: plain HTTP.
    var tls: TLSConfiguration?
    var adminPort: Int?
    var logFormat: LogFormat
    var logLevel: Logger.Level

    /// Checks `command`; opens nothing yet.
    ///
    /// - Throws: ``ExitFailure`` with code 64 for flags that do not go together.
    init(_ command: RegistryCommand, environment: [String: String]) throws(ExitFailure) {
        port = command.port
        hosts = ListenValues.hosts(command.host)
        store = command.store
        (isOpen, isPublic) = (command.open, command.public)
        nameHold = command.nameHold
        tls = try command.tls.files().map { TLSConfiguration(certificateFile: $0.certificate, keyFile: $0.key) }
        adminPort = command.adminPort
        logFormat = command.logFormat.format(environment: environment)
        logLevel = command.verbose ? .debug : .notice
    }
}
