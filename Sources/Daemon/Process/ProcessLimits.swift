// What a server sets for its process before it starts.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Limits and signal dispositions of this process.
package enum ProcessLimits {
    /// A write to a closed connection becomes EPIPE instead of the process's end, one beyond the largest file that the
    /// process may write (`ulimit -f`) EFBIG.
    package static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
        _ = signal(SIGXFSZ, SIG_IGN)
    }

    /// Raises the soft limit of open files to the hard one: each connection takes one, and the usual soft limit of 1024
    /// is there for programs that use select().
    ///
    /// - Returns: The limit that holds now, or nil if the system does not tell.
    @discardableResult
    package static func raiseOpenFiles() -> Int? {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
        return openFiles()
    }

    /// How many files and sockets may be open now, or nil if the system does not tell.
    package static func openFiles() -> Int? {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        return Int(exactly: limit.rlim_cur) ?? .max
    }

    /// As many of `wanted` connections as the limit of open files has room for, at least 1.
    ///
    /// - Parameters:
    ///   - wanted: What the configuration asks for.
    ///   - reserved: Files that the program needs besides; default 128.
    ///   - limit: The limit of open files; default the process's.
    /// - Returns: A value for the configuration.
    package static func connections(
        _ wanted: Int,
        besides reserved: Int = 128,
        limit: Int? = ProcessLimits.openFiles()
    ) -> Int {
        guard let limit else { return wanted }
        return max(1, min(wanted, limit - min(limit, reserved)))
    }

    #if canImport(Glibc)
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
    private static let resource = RLIMIT_NOFILE
    #endif
}
