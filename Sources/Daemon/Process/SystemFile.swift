// Reads a whole small file, such as a configuration.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Files as the operating system gives them.
package enum SystemFile {
    /// The octets of the file at `path`, one more than `octetsMax` at most, so that the reader sees that it is too large.
    ///
    /// - Throws: ``ExitFailure`` with code 78.
    package static func configuration(_ path: String, octetsMax: Int) throws(ExitFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while octets.count <= octetsMax {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            guard count > 0 else { break }
            octets += buffer.prefix(count)
        }
        return Array(octets.prefix(octetsMax + 1))
    }

    private static func unreadable(_ path: String, _ code: Int32) -> ExitFailure {
        ExitFailure(.configuration, "cannot read configuration file \(path): \(String(cString: strerror(code)))")
    }
}
