// The ways in which a server's octets travel, so that one list of cases can be run over each.

import Foundation
import HTTPServer
import TestSupport

/// A transport, and whether TLS is on top of it.
enum Carrier: CaseIterable {
    case epoll, nio, tls

    /// All; without TLS where there is no openssl to make a certificate, which ``TLSTests`` reports as skipped.
    static var allCases: [Carrier] { Certificate.canBeMade ? [.epoll, .nio, .tls] : [.epoll, .nio] }

    /// Whether connections of the task's clients begin with a handshake.
    @TaskLocal static var isSecure = false

    /// Runs `body` with a configuration for this carrier, and with clients that speak it.
    func run<Result>(
        _ configuration: HTTPServerConfiguration,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (HTTPServerConfiguration) async throws -> Result
    ) async throws -> Result {
        var configuration = configuration
        configuration.transport = self == .epoll ? .epoll : .nio
        guard self == .tls else { return try await body(configuration) }
        let certificate = try Certificate.shared()
        configuration.tls = certificate.configuration
        defer { withExtendedLifetime(certificate) {} }
        return try await Carrier.$isSecure.withValue(true) { try await body(configuration) }
    }
}

/// A certificate for localhost that signed itself, and its key, in files.
final class Certificate: Sendable {
    static let canBeMade = RunningProcess.isInstalled("openssl")

    let directory: TemporaryDirectory
    var certificateFile: String { directory.file("cert.pem") }
    var keyFile: String { directory.file("key.pem") }
    var configuration: TLSConfiguration {
        TLSConfiguration(certificateFile: certificateFile, keyFile: keyFile)
    }

    private static let made = Result { try make() }

    private init(_ texts: (certificate: String, key: String)) throws {
        directory = try TemporaryDirectory()
        _ = try directory.write(texts.certificate, to: "cert.pem")
        _ = try directory.write(texts.key, to: "key.pem")
    }

    /// The process's one, in files of its own.
    static func shared() throws -> Certificate { try Certificate(made.get()) }

    /// A new one.
    static func another() throws -> Certificate { try Certificate(make()) }

    /// Runs openssl; throws if it fails.
    static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CertificateError.opensslFailed(arguments) }
    }

    private static func make() throws -> (certificate: String, key: String) {
        let directory = try TemporaryDirectory()
        let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        let names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        let files = ["-keyout", directory.file("key.pem"), "-out", directory.file("cert.pem")]
        try openssl(key.split(separator: " ").map { String($0) } + names + files)
        return (
            try String(contentsOfFile: directory.file("cert.pem"), encoding: .utf8),
            try String(contentsOfFile: directory.file("key.pem"), encoding: .utf8)
        )
    }
}

enum CertificateError: Error {
    case opensslFailed([String])
}
