// A listening socket that all loops accept from.

#if os(Linux)
import CLinux
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Bound and listening from the start; closed when the last reference goes.
final class ListeningSocket: Sendable {
    let descriptor: Int32
    private let hasRoom: @Sendable () -> Bool

    /// Binds `address`; throws `IOError` with the system's number.
    ///
    /// Accepted connections inherit TCP_NODELAY and SO_KEEPALIVE from it. Where `hasRoom` says no, they wait with the system.
    init(
        _ address: SocketAddress,
        isIPv6Only: Bool = false,
        backlog: Int32,
        hasRoom: @escaping @Sendable () -> Bool = { true }
    ) throws {
        self.hasRoom = hasRoom
        let socket = clinux_tcp_socket(address.protocol == .inet6 ? AF_INET6 : AF_INET)
        guard socket >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        descriptor = socket
        // From here on a throw runs deinit, which closes the descriptor: closing it here too would close a stranger's.
        var options = [(SOL_SOCKET, SO_REUSEADDR), (SOL_SOCKET, SO_KEEPALIVE), (Int32(IPPROTO_TCP), TCP_NODELAY)]
        // RFC 9112: the client speaks first. A connection is taken when its first octets are there, or after a second without.
        options.append((Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT))
        if isIPv6Only { options.append((Int32(IPPROTO_IPV6), IPV6_V6ONLY)) }
        for (level, option) in options {
            var on: Int32 = 1
            let result = setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
            guard result == 0 else { throw IOError(errnoCode: errno, reason: "setsockopt") }
        }
        if address.isLoopback { LoopbackCongestion.avoid(descriptor) }
        let result = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) }
        guard result == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
        guard listen(descriptor, backlog) == 0 else { throw IOError(errnoCode: errno, reason: "listen") }
    }

    deinit {
        close(descriptor)
    }

    /// The address really bound.
    var localAddress: SocketAddress? { SocketAddress(of: descriptor, asking: getsockname) }

    /// The next connection's descriptor; -1 and errno if there is none, EMFILE also if there is no room for one.
    func accept() -> Int32 {
        guard hasRoom() else {
            errno = EMFILE
            return -1
        }
        return clinux_accept(descriptor)
    }

    /// Refuses connections from now on, also those that wait; from any thread.
    func stopListening() {
        // Fails only on a socket that does not listen.
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

extension SocketAddress {
    /// What `getsockname` or `getpeername` says; nil if it says nothing.
    init?(
        of descriptor: Int32,
        asking call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let address = withUnsafeMutablePointer(to: &storage) { storage -> SocketAddress? in
            let result = storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, &length) }
            guard result == 0 else { return nil }
            switch Int32(storage.pointee.ss_family) {
            case AF_INET:
                return storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { SocketAddress($0.pointee) }
            case AF_INET6:
                return storage.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { SocketAddress($0.pointee) }
            default: return nil
            }
        }
        guard let address else { return nil }
        self = address
    }
}
#endif
