// What cdn says to the person who started it.

import Daemon
import Glibc
import HTTPCache

/// Lines and failures, each in one sentence: what went wrong and what to do.
enum CdnMessages {
    /// What to give if the directory for bodies is of no use or not known.
    static let storeHint = "--store DIRECTORY or --store none"

    /// The line that says that requests are taken: `cdn: serving http://host/media/ on http://localhost:8080`.
    ///
    /// The port is the one that is really bound.
    static func ready(_ options: CdnOptions, port: Int) -> String {
        let hosts = options.isServingLocalhost ? ["localhost"] : options.hosts
        let addresses = hosts.map { $0.contains(":") ? "http://[\($0)]:\(port)" : "http://\($0):\(port)" }
        return "cdn: serving \(options.origin.displayURL) on \(addresses.joined(separator: " and "))"
    }

    /// The line that says that the origin did not answer when cdn started; it serves nevertheless.
    static func unreachable(_ origin: OriginMap, reason: String) -> String {
        "cdn: warning: \(origin.displayURL) cannot be reached (\(reason)); serving what is stored, trying again on request"
    }

    /// Why `host` could not be bound, by the errno of bind() or listen().
    ///
    /// `nextFree` finds a port to suggest and is asked only where that helps.
    static func bindFailure(host: String, port: Int, code: Int32, nextFree: () -> Int?) -> ExitFailure {
        switch code {
        case EADDRINUSE:
            ExitFailure(.unavailable, "port \(port) is taken; try --port \(nextFree() ?? 0)")
        case EACCES, EPERM:
            ExitFailure(
                .noPermission,
                "not allowed to listen on port \(port); try --port \(port < 1024 ? 8080 : nextFree() ?? 0)"
            )
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            ExitFailure(.unavailable, "this machine has no address \(host); give --host one that it has")
        default:
            ExitFailure(
                .operatingSystem,
                "cannot listen on \(host) port \(port): \(String(cString: strerror(code)))"
            )
        }
    }
}
