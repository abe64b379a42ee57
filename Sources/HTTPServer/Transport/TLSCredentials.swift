// The certificate and key that handshakes are made with now, and how they are replaced while the server runs.

import CLinux
import Logging
import NIOCore
import NIOSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Owns what the files of a ``TLSConfiguration`` held when they were last of use.
///
/// There is one context of NIOSSL for all event loops and all pairs, so that sessions are resumed whichever loop a
/// client comes to, and after a change of the certificate as well (RFC 8446 section 2.2, RFC 5077). Each handshake asks
/// for the pair of its moment; handshakes that have begun and connections keep theirs.
final class TLSCredentials: Sendable {
    let context: NIOSSLContext
    private let configuration: TLSConfiguration
    /// What handshakes begin with; without anything until the first change, as the context has the first pair itself.
    private let current: CurrentPair
    /// Locked while files are read, by one at a time; no handshake waits for it.
    private let watch: Mutex<TLSFileWatch>

    private final class CurrentPair: Sendable {
        let override = Mutex(NIOSSLContextConfigurationOverride.noChanges)
    }

    /// What came of looking at the files.
    private enum Outcome {
        case nothingNew
        case replaced
        case refused(String)
    }

    /// Reads the files of `configuration`; blocks.
    ///
    /// - Throws: ``HTTPServerError`` with code `badCertificate` or `badKey`.
    init(_ configuration: TLSConfiguration) throws(HTTPServerError) {
        self.configuration = configuration
        // Stamps first: what is written meanwhile is read once more.
        let stamps = Self.stamps(configuration)
        let current = CurrentPair()
        context = try configuration.context(try configuration.loadPair()) { _, promise in
            promise.succeed(current.override.withLock { $0 })
        }
        self.current = current
        watch = Mutex(TLSFileWatch(inUse: stamps))
    }

    /// Looks at the files until the task is cancelled.
    func follow(_ logger: Logger) async {
        // Throws only when cancelled.
        while (try? await Task.sleep(for: configuration.reloadInterval)) != nil {
            reload(isAsked: false, logger)
        }
    }

    /// Reads the files if they have changed, or if it is asked for; what is of no use changes nothing but the log.
    func reload(isAsked: Bool, _ logger: Logger) {
        let outcome = watch.withLock { watch -> Outcome in
            let stamps = Self.stamps(configuration)
            guard watch.wantsRead(stamps, isAsked: isAsked) else { return .nothingNew }
            do throws(HTTPServerError) {
                let pair = try configuration.loadPair()
                var override = NIOSSLContextConfigurationOverride()
                (override.certificateChain, override.privateKey) = (pair.chain, pair.key)
                current.override.withLock { $0 = override }
                watch.use(stamps)
                return .replaced
            } catch {
                return watch.refuse(stamps, isAsked: isAsked) ? .refused(error.message) : .nothingNew
            }
        }
        switch outcome {
        case .nothingNew: break
        case .replaced: logger.notice("The certificate was read again and is used from now on")
        case .refused(let reason):
            logger.error(
                "The new certificate is of no use; the old one stays",
                metadata: ["error.message": "\(reason)"]
            )
        }
    }

    private static func stamps(_ configuration: TLSConfiguration) -> TLSFileWatch.Stamps {
        TLSFileWatch.Stamps(
            certificate: TLSFileWatch.Stamp(path: configuration.certificateFile),
            key: TLSFileWatch.Stamp(path: configuration.keyFile)
        )
    }
}

extension TLSFileWatch.Stamp {
    /// The state of the file at `path`, through links; nil if there is none.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(
            device: UInt64(status.st_dev),
            number: UInt64(status.st_ino),
            bytes: Int64(status.st_size),
            modifiedNanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            changedNanoseconds: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        )
    }
}
