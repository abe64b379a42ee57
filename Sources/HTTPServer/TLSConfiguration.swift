// What a server needs to speak TLS.

/// The certificate and key of a server that speaks TLS 1.3 or, where the client has no better, 1.2.
///
/// The files are read when the server binds; until then nothing is known of them. While it runs they are looked at again
/// and again: a new certificate with its key is used for the connections that come from then on.
package struct TLSConfiguration: Sendable, Equatable {
    /// A PEM file: the server's certificate first, then those that lead to one that clients trust.
    package var certificateFile: String
    /// A PEM file with the certificate's private key, not encrypted.
    package var keyFile: String
    /// How long a handshake may take; default 10 s.
    ///
    /// Then the connection is closed without a word.
    package var handshakeTimeout = Duration.seconds(10)
    /// How long the files' change may go unnoticed; default 1 s.
    package var reloadInterval = Duration.seconds(1)
    /// The protocols offered by ALPN (RFC 7301), the one liked best first; default `h2`, `http/1.1`.
    package var applicationProtocols = ["h2", "http/1.1"]

    package init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
