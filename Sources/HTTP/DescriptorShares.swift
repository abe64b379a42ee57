// How the descriptors that the process may have are shared out between clients, origin and files.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The shares of one limit of open files (`ulimit -n`): together they are never above it.
///
/// Who has used up its share waits or does with less, so that nothing under way fails for want of a descriptor: clients wait to
/// be accepted or get 503, fills wait for their turn, bodies are read instead of kept open.
package struct DescriptorShares: Sendable, Equatable {
    /// Connections of clients that are served at a time; at most 50,000.
    package let clients: Int
    /// Connections of clients beyond those, that are being told so; at most 64.
    package let refusals: Int
    /// Connections to origins, those that are kept for later included; at most 256.
    package let originConnections: Int
    /// Bodies that come from origins at a time, so that requests which are passed on find a connection; at most 64.
    package let fills: Int
    /// Files of bodies that are open at a time; at most 16,384.
    package let files: Int

    /// Shares out `limit` descriptors on a machine of so many processors.
    ///
    /// Below 64 there is not enough for what the process needs itself.
    package init(limit: Int, processors: Int) {
        // The index and its readers 12, event loops 2 each and as much for operators, timers and wakers 12, standard streams,
        // logs, listeners and locks 10; a file that is read once or made, on each thread that may.
        let reserve = 36 + 2 * max(1, processors)
        let shared = max(24, limit - min(limit, reserve))
        // One that is being made may take two for the question of its address, and one to ask it on.
        originConnections = min(256, max(2, shared / 9))
        fills = min(64, max(1, originConnections * 3 / 4))
        files = min(16_384, max(6, shared / 4))
        let rest = max(2, shared - 3 * originConnections - files)
        refusals = min(64, max(1, rest / 4))
        clients = min(50_000, rest - refusals)
    }

    /// Those of this process, by the limit that holds when it is first asked.
    package static let process: DescriptorShares = {
        var limit = rlimit()
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        let known = getrlimit(resource, &limit) == 0 ? Int(exactly: limit.rlim_cur) ?? .max : 1024
        return DescriptorShares(limit: known, processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }()
}
