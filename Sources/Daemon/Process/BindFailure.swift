// Why an address cannot be listened on, and what to do.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension ExitFailure {
    /// The failure of a server that cannot listen.
    ///
    /// - Parameters:
    ///   - message: What the server says of it.
    ///   - code: The errno of a bind() or listen(); nil if it was not that, but what the server was told.
    ///   - hosts: The addresses.
    ///   - port: The port.
    ///   - flag: How a port is given: `--port 8081`.
    /// - Returns: Code 69, 77 or 71 with what to do; 78 and `message` without an errno.
    package static func listening(
        _ message: String,
        code: Int32?,
        hosts: [String],
        port: Int,
        flag: (Int) -> String = { "--port \($0)" }
    ) -> ExitFailure {
        guard let code else { return ExitFailure(.configuration, message) }
        return bind(
            host: hosts.first ?? "localhost",
            port: port,
            code: code,
            nextFree: { FreePort.next(after: port, on: hosts) },
            flag: flag
        )
    }

    /// The failure of a bind() or listen() with this errno.
    ///
    /// - Parameters:
    ///   - host: The address.
    ///   - port: The port.
    ///   - code: The errno.
    ///   - nextFree: Finds a port to suggest; asked only where that helps.
    ///   - flag: How a port is given: `--port 8081`.
    /// - Returns: Code 69, 77 or 71, and a line that says what to do.
    package static func bind(
        host: String,
        port: Int,
        code: Int32,
        nextFree: () -> Int?,
        flag: (Int) -> String = { "--port \($0)" }
    ) -> ExitFailure {
        switch code {
        case EADDRINUSE:
            ExitFailure(.unavailable, "port \(port) is taken; try \(flag(nextFree() ?? 0))")
        case EACCES, EPERM:
            ExitFailure(
                .noPermission,
                "not allowed to listen on port \(port); try \(flag(port < 1024 ? 8080 : nextFree() ?? 0))"
            )
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            ExitFailure(.unavailable, "this machine has no address \(host); give one that it has")
        default:
            ExitFailure(
                .operatingSystem,
                "cannot listen on \(host) port \(port): \(String(cString: strerror(code)))"
            )
        }
    }
}
