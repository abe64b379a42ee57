// Certificate and key from their files to what NIOSSL works with, and errors that say what to do.

import NIOCore
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A certificate with those that lead to a trusted one, and its key.
struct TLSPair: Sendable {
    let chain: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKeySource
}

extension TLSConfiguration {
    /// Octets of a file that are read at most: chains and keys are a few KiB.
    private static let fileBytesMax = 1 << 20

    /// ECDHE with AEAD, for clients that have no TLS 1.3: what is left is broken, slow, or without forward secrecy.
    private static let suitesOfTLS12 = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")

    /// Reads both files; blocks.
    ///
    /// - Throws: ``HTTPServerError`` with code `badCertificate` or `badKey`: a file cannot be read, or the two do not match.
    func loadPair() throws(HTTPServerError) -> TLSPair {
        let chain = try loadChain()
        let key = try loadKey()
        let pair = TLSPair(chain: chain.map { .certificate($0) }, key: .privateKey(key))
        // What NIOSSL takes it will take in each handshake.
        _ = try context(pair)
        return pair
    }

    /// What handshakes are made with: `pair`, or whatever `override` says when one begins.
    func context(
        _ pair: TLSPair,
        override: NIOSSLContextCallback? = nil
    ) throws(HTTPServerError) -> NIOSSLContext {
        var configuration = NIOSSL.TLSConfiguration.makeServerConfiguration(
            certificateChain: pair.chain,
            privateKey: pair.key
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuites = TLSConfiguration.suitesOfTLS12
        configuration.applicationProtocols = applicationProtocols
        configuration.shutdownTimeout = .seconds(2)
        configuration.sslContextCallback = override
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPServerError(
                code: .badKey,
                message: "the key in \(keyFile) is not that of the first certificate in \(certificateFile): "
                    + "give the key that the certificate was requested with, and put that certificate first",
                underlying: error
            )
        }
    }

    private func loadChain() throws(HTTPServerError) -> [NIOSSLCertificate] {
        let octets = try read(certificateFile, "certificate", .badCertificate)
        guard octets.contains("-----BEGIN CERTIFICATE-----") else {
            throw HTTPServerError(
                code: .badCertificate,
                message:
                    "\(certificateFile) holds no certificate in PEM form (BEGIN CERTIFICATE): give a file that does; "
                    + "openssl x509 -inform DER turns one in DER form into it",
                underlying: nil
            )
        }
        do {
            return try NIOSSLCertificate.fromPEMBytes(Array(octets.utf8))
        } catch {
            throw HTTPServerError(
                code: .badCertificate,
                message: "a certificate in \(certificateFile) cannot be read: give a file that is whole and unchanged",
                underlying: error
            )
        }
    }

    private func loadKey() throws(HTTPServerError) -> NIOSSLPrivateKey {
        let octets = try read(keyFile, "key", .badKey)
        guard !octets.contains("ENCRYPTED") else {
            throw HTTPServerError(
                code: .badKey,
                message: "the key in \(keyFile) is encrypted: give one that is not, as made by "
                    + "openssl pkey -in \(keyFile) -out NEW-FILE",
                underlying: nil
            )
        }
        guard octets.contains("PRIVATE KEY-----") else {
            throw HTTPServerError(
                code: .badKey,
                message: "\(keyFile) holds no private key in PEM form (BEGIN PRIVATE KEY): give a file that does; "
                    + "openssl pkey -inform DER turns one in DER form into it",
                underlying: nil
            )
        }
        do {
            return try NIOSSLPrivateKey(bytes: Array(octets.utf8), format: .pem)
        } catch {
            throw HTTPServerError(
                code: .badKey,
                message: "the key in \(keyFile) cannot be read: give a file that is whole and unchanged",
                underlying: error
            )
        }
    }

    private func read(
        _ path: String,
        _ what: String,
        _ code: HTTPServerError.Code
    ) throws(HTTPServerError) -> String {
        let failure: (Int32) -> HTTPServerError = { number in
            HTTPServerError(
                code: code,
                message: "cannot read the \(what) file \(path): \(String(cString: strerror(number))); "
                    + "give a PEM file that this user may read",
                underlying: nil
            )
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while octets.count <= TLSConfiguration.fileBytesMax {
            let count = buffer.withUnsafeMutableBytes { readSome(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return String(decoding: octets, as: UTF8.self) }
            guard count > 0 else { throw failure(errno) }
            octets += buffer[..<count]
        }
        throw failure(EFBIG)
    }
}

/// `read(2)`, which the method of that name would hide.
private func readSome(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
