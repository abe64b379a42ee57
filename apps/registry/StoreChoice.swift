// Where registrations are kept, as a flag says it.

import Daemon

/// The value of `--store`.
enum StoreChoice: Sendable, Equatable {
    case memory
    /// A file; made if it is not there.
    case sqlite(path: String)
    /// The URL may hold a password: never to be logged whole.
    case redis(url: String)

    init(parsing text: String) throws(InvalidValue) {
        if text == "memory" {
            self = .memory
        } else if text.hasPrefix("sqlite:"), text.utf8.count > 7 {
            self = .sqlite(path: String(text.dropFirst(7)))
        } else if text.hasPrefix("redis://"), text.utf8.count > 8 {
            self = .redis(url: text)
        } else {
            throw InvalidValue("expected memory, sqlite:PATH or redis://HOST:PORT")
        }
    }

    /// For the ready line; without what stands in front of an `@`.
    var display: String {
        switch self {
        case .memory: "memory"
        case .sqlite(let path): "sqlite:\(path)"
        case .redis(let url):
            "redis://" + (url.split(separator: "@").last ?? "").trimmingPrefix("redis://")
        }
    }
}

/// What single flags of registry take.
enum RegistryValues {
    /// At least the 10 minutes for which every name is held.
    static func nameHold(_ text: String) throws(InvalidValue) -> Duration {
        let time = try Duration(parsing: text)
        guard time >= .seconds(600) else { throw InvalidValue("expected at least 10m") }
        return time
    }
}
