// Finds a port to suggest when the wanted one is taken.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Looks for ports that nobody listens on.
package enum FreePort {
    /// The first port above `port` that could be bound on every one of `hosts` just now, or nil if none of 100 could.
    ///
    /// The hosts are numeric addresses; one that the machine does not have does not count.
    package static func next(after port: Int, on hosts: [String]) -> Int? {
        guard port >= 0, port < 65535 else { return nil }
        return (port + 1...min(port + 100, 65535)).first { candidate in
            hosts.allSatisfy { isFree(candidate, on: $0) }
        }
    }

    private static func isFree(_ port: Int, on host: String) -> Bool {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let address = found else { return true }
        defer { freeaddrinfo(found) }
        let descriptor = socket(address.pointee.ai_family, hints.ai_socktype | closeOnExec, 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        if address.pointee.ai_family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
            return errno == EADDRNOTAVAIL
        }
        return listen(descriptor, 1) == 0
    }

    #if canImport(Glibc)
    private static let closeOnExec = Int32(SOCK_CLOEXEC.rawValue)
    #else
    private static let closeOnExec = SOCK_CLOEXEC
    #endif
}
