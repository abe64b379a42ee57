// An authority of a test's own and a certificate for this machine, made by openssl.

import TestSupport

/// Files in PEM.
struct LocalCertificates: Sendable {
    static let canBeMade = RunningProcess.isInstalled("openssl")

    private let directory: TemporaryDirectory

    /// What clients are told to trust.
    var authority: String { directory.file("authority.pem") }
    var certificate: String { directory.file("certificate.pem") }
    var key: String { directory.file("key.pem") }
    /// The flags of a server.
    var flags: [String] { ["--tls-cert", certificate, "--tls-key", key] }

    /// A certificate for localhost by any of its names.
    init() async throws {
        directory = try TemporaryDirectory()
        _ = try directory.write("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n", to: "names")
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for arguments in [
            ["req", "-x509", "-days", "2", "-subj", "/CN=Authority of a test"] + newKey
                + ["-keyout", "authority-key.pem", "-out", "authority.pem"],
            ["req", "-subj", "/CN=localhost"] + newKey + ["-keyout", "key.pem", "-out", "request.pem"],
            ["x509", "-req", "-days", "2", "-in", "request.pem", "-extfile", "names", "-CA", "authority.pem"]
                + ["-CAkey", "authority-key.pem", "-CAcreateserial", "-out", "certificate.pem"],
        ] {
            try await RunningProcess.succeed(["openssl"] + arguments, directory: directory.path)
        }
    }
}
