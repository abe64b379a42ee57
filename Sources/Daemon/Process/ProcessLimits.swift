// What a server sets for its process before it starts.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Limits and signal dispositions of this process.
package enum ProcessLimits {
    /// A write to a closed connection becomes EPIPE instead of the process's end.
    package static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// Raises the soft limit of open files to the hard one: each connection takes one, and the usual soft limit of 1024
    /// is there for programs that use select().
    ///
    /// - Returns: The limit that holds now, or nil if the system does not tell.
    @discardableResult
    package static func raiseOpenFiles() -> Int? {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        var raised = limit
        raised.rlim_cur = raised.rlim_max
        if setrlimit(resource, &raised) == 0 { limit = raised }
        return Int(exactly: limit.rlim_cur) ?? .max
    }
}
