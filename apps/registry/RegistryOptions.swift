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
        tls = try TLSConfiguration(certificate: command.tlsCert, key: command.tlsKey)
        adminPort = command.adminPort
        logFormat = command.logFormat.format(environment: environment)
        logLevel = command.verbose ? .debug : .notice
    }
}

extension TLSConfiguration {
    /// From the two flags, which go together; nil if neither was given.
    fileprivate init?(certificate: String?, key: String?) throws(ExitFailure) {
        switch (certificate, key) {
        case (let certificate?, let key?): self.init(certificateFile: certificate, keyFile: key)
        case (nil, nil): return nil
        case (_?, nil): throw ExitFailure(.usage, "--tls-cert needs --tls-key, the certificate's private key")
        case (nil, _?): throw ExitFailure(.usage, "--tls-key needs --tls-cert, the key's certificate")
        }
    }
}
