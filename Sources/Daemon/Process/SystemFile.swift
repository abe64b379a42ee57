// Reads and replaces whole small files, such as a configuration or a key.

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
        try octets(of: path, octetsMax: octetsMax + 1) { code in
            ExitFailure(.configuration, "cannot read configuration file \(path): \(String(cString: strerror(code)))")
        }
    }

    /// The first `octetsMax` octets of the file at `path`; throws what `failure` makes of an errno.
    package static func octets(
        of path: String,
        octetsMax: Int,
        failure: (Int32) -> ExitFailure
    ) throws(ExitFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while octets.count < octetsMax {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno) }
            guard count > 0 else { break }
            octets += buffer.prefix(count)
        }
        return Array(octets.prefix(octetsMax))
    }

    /// Writes the file at `path` for this user alone, whole or not at all, even if the power goes.
    ///
    /// - Throws: ``ExitFailure`` with code 73.
    package static func replace(_ path: String, with octets: [UInt8]) throws(ExitFailure) {
        let new = path + ".new"
        func failure(_ attempt: String) -> ExitFailure {
            ExitFailure(.cannotCreate, "cannot \(attempt) \(path): \(String(cString: strerror(errno)))")
        }
        // Made anew: one that somebody laid there keeps its owner and permissions, and a key would be theirs to read.
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("make") }
        defer { close(descriptor) }
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write") }
            rest.removeFirst(count)
        }
        guard fsync(descriptor) == 0, rename(new, path) == 0 else { throw failure("write") }
        // The name is in the directory only once that is written, too.
        let slash = path.lastIndex(of: "/").map { path[..<$0] } ?? "."
        let directory = open(slash.isEmpty ? "/" : String(slash), O_RDONLY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }
}
