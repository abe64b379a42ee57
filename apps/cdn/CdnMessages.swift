// What cdn says to the person who started it.

import Daemon
import HTTPCache

/// Lines and failures, each in one sentence: what went wrong and what to do.
enum CdnMessages {
    /// What to give if the directory for bodies is of no use or not known.
    static let storeHint = "--store DIRECTORY or --store none"

    /// The line that says that requests are taken: `cdn: serving http://host/media/ on http://localhost:8080`.
    ///
    /// The port is the one that is really bound.
    static func ready(_ options: CdnOptions, port: Int) -> String {
        let place = ListenValues.display(options.hosts, port: port, scheme: options.tls == nil ? "http" : "https")
        return "cdn: serving \(options.origin.displayURL) on \(place)"
    }

    /// The line that says where operators look: `cdn: /health, /metrics and /fills on http://localhost:9090`.
    static func admin(port: Int) -> String {
        "cdn: /health, /metrics and /fills on \(ListenValues.display(ListenValues.loopbacks, port: port))"
    }

    /// The line that says that the origin did not answer when cdn started; it serves nevertheless.
    static func unreachable(_ origin: OriginMap, reason: String) -> String {
        "cdn: warning: \(origin.displayURL) cannot be reached (\(reason)); serving what is stored, trying again on request"
    }
}
