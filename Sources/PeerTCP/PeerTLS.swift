// TLS as the networks have it: encrypted, and nobody asks who the other is.

import Crypto
package import Foundation
import NIOCore
import NIOSSL
import SwiftASN1
import X509

/// Contexts for both directions, with a certificate made for this process.
///
/// The networks know no authority: a certificate is signed by itself and checked by nobody, so that links are safe from who
/// listens and not from who stands between.
package struct PeerTLS: Sendable {
    private let server: NIOSSLContext
    private let client: NIOSSLContext

    /// Makes a key, and a certificate that is good for ten years from `now`; throws what the libraries throw, which nothing
    /// makes them.
    package init(now: Date) throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName { CommonName("waystation") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: now.addingTimeInterval(-86_400),
            notValidAfter: now.addingTimeInterval(3650 * 86_400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions(),
            issuerPrivateKey: key
        )
        let octets = Array(try certificate.serializeAsPEM().pemString.utf8)
        let chain = try NIOSSLCertificate.fromPEMBytes(octets).map { NIOSSLCertificateSource.certificate($0) }
        let keyOctets = Array(try key.serializeAsPEM().pemString.utf8)
        let privateKey = try NIOSSLPrivateKey(bytes: keyOctets, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(privateKey)
        )
        configuration.minimumTLSVersion = .tlsv12
        server = try NIOSSLContext(configuration: configuration)
        configuration = .makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .none
        client = try NIOSSLContext(configuration: configuration)
    }

    /// Adds TLS in front of what `pipeline` has already.
    func add(to pipeline: ChannelPipeline.SynchronousOperations, isDialled: Bool) throws {
        if isDialled {
            try pipeline.addHandler(NIOSSLClientHandler(context: client, serverHostname: nil))
        } else {
            try pipeline.addHandler(NIOSSLServerHandler(context: server))
        }
    }
}
