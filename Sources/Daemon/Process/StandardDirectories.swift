// Where a program keeps its files by default, after the XDG Base Directory Specification.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The user's directories as the environment gives them.
package struct StandardDirectories: Sendable {
    private let environment: [String: String]

    package init(environment: [String: String]) {
        self.environment = environment
    }

    /// What may be deleted at any time: `$XDG_CACHE_HOME/waystation/NAME`, or under `~/.cache`.
    ///
    /// - Throws: ``ExitFailure`` with code 78 if the environment names neither; `flag` is what it tells to use.
    package func cache(_ name: String, orElse flag: String) throws(ExitFailure) -> String {
        try directory(name, variable: "XDG_CACHE_HOME", below: ".cache", flag: flag)
    }

    /// What should outlive a restart: `$XDG_STATE_HOME/waystation/NAME`, or under `~/.local/state`.
    ///
    /// - Throws: ``ExitFailure`` with code 78 if the environment names neither; `flag` is what it tells to use.
    package func state(_ name: String, orElse flag: String) throws(ExitFailure) -> String {
        try directory(name, variable: "XDG_STATE_HOME", below: ".local/state", flag: flag)
    }

    private func directory(
        _ name: String,
        variable: String,
        below folder: String,
        flag: String
    ) throws(ExitFailure) -> String {
        // "All paths set in these environment variables must be absolute ... a relative path ... ignore it."
        if let base = environment[variable], base.hasPrefix("/") { return "\(base)/waystation/\(name)" }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw ExitFailure(.configuration, "neither \(variable) nor HOME names a directory; give \(flag)")
        }
        return "\(home)/\(folder)/waystation/\(name)"
    }

    /// Makes a directory and what is missing above it, for this user alone, and checks that files can be made in it.
    ///
    /// - Throws: ``ExitFailure`` with code 73; `flag` is what it tells to use instead.
    package static func prepare(_ path: String, orElse flag: String) throws(ExitFailure) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o700) == 0 || errno == EEXIST { continue }
            // Above the directory there may be one that we may not write but need not either.
            let failure = errno
            if isDirectory(made) { continue }
            throw ExitFailure(
                .cannotCreate,
                "cannot make directory \(made): \(String(cString: strerror(failure))); give \(flag)"
            )
        }
        guard isDirectory(path) else {
            throw ExitFailure(.cannotCreate, "\(path) is not a directory; give \(flag)")
        }
        guard access(path, W_OK | X_OK) == 0 else {
            let reason = String(cString: strerror(errno))
            throw ExitFailure(.cannotCreate, "cannot write to directory \(path): \(reason); give \(flag)")
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
