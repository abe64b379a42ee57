// Certificate and key from their files to what NIOSSL works with, and errors that say what to do.

import NIOCore
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension TLSConfiguration {
    /// Octets of a file that are read at most: chains and keys are a few KiB.
    private static let fileBytesMax = 1 << 20

    /// Reads both files; blocks.
    ///
    /// - Throws: ``HTTPServerError`` with code `badCertificate` or `badKey`.
    func load() throws(HTTPServerError) -> NIOSSLContext {
        let chain = try loadChain()
        let key = try loadKey()
        var configuration = NIOSSL.TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.shutdownTimeout = .seconds(2)
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
