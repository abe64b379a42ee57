// The flags of every server that can speak TLS, and what is wrong with them before a file is parsed.

package import ArgumentParser

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// `--tls-cert FILE --tls-key FILE`: both or neither.
package struct TLSOptions: ParsableArguments {
    /// The two files of a server that speaks TLS.
    package struct Files: Sendable, Equatable {
        package let certificate: String
        package let key: String
    }

    /// What can stand in environment and file; to be added to the program's settings.
    package static let settings = [Setting("tls-cert"), Setting("tls-key")]

    @Option(
        name: .customLong("tls-cert"),
        help: ArgumentHelp("Serve https with this certificate and its chain (PEM).", valueName: "file")
    )
    package var certificate: String?

    @Option(name: .customLong("tls-key"), help: ArgumentHelp("The certificate's private key (PEM).", valueName: "file"))
    package var key: String?

    package init() {}

    /// The files, which can be opened; nil if TLS is not wanted.
    ///
    /// - Throws: ``ExitFailure`` with code 64 if only one is given, or one cannot be read.
    package func files() throws(ExitFailure) -> Files? {
        guard let certificate, let key else {
            guard certificate == nil, key == nil else {
                let (given, missing) = key == nil ? ("--tls-cert", "--tls-key") : ("--tls-key", "--tls-cert")
                throw ExitFailure(.usage, "\(given) needs \(missing) FILE beside it; give both or neither")
            }
            return nil
        }
        for (flag, path) in [("--tls-cert", certificate), ("--tls-key", key)] where access(path, R_OK) != 0 {
            let reason = String(cString: strerror(errno))
            throw ExitFailure(.usage, "cannot read \(flag) \(path): \(reason); give a PEM file that this user may read")
        }
        return Files(certificate: certificate, key: key)
    }
}
