// Binding: which addresses, one port for all that ask for any, and errors that say what to do.

import HTTP
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An address that a server listens on.
package struct BoundAddress: Sendable, Equatable, CustomStringConvertible {
    /// The IP address.
    package let host: String
    /// The port really bound.
    package let port: Int

    /// `address:port`, IPv6 addresses in brackets.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension BoundAddress {
    /// A socket's own address; nil if it is none of TCP.
    init?(_ address: SocketAddress?) {
        guard let host = address?.ipAddress, let port = address?.port else { return nil }
        self.init(host: host, port: port)
    }
}

/// Binds the addresses of a configuration, with whatever kind of socket.
struct Listener<Socket: Sendable> {
    let addresses: [ListenAddress]
    /// Binds one address, an IPv6 one perhaps for IPv6 alone; throws `IOError` where the system says no.
    let open: (SocketAddress, _ isIPv6Only: Bool) async throws -> Socket
    /// The address really bound.
    let localAddress: (Socket) -> SocketAddress?
    /// Gives a socket up again.
    let close: (Socket) async -> Void

    /// Times that another port is tried when the one chosen on the first address is taken on the second.
    static var portAttemptsMax: Int { 16 }

    /// One socket to be bound.
    private struct Target {
        let address: SocketAddress
        /// That it does not exist on this machine is not an error, if another address of its kind does.
        let isOptional: Bool
    }

    /// Binds all addresses; on an error none stays bound.
    func bind() async throws(HTTPServerError) -> [Socket] {
        for attempt in 1...Listener.portAttemptsMax {
            do throws(HTTPServerError) {
                return try await bindOnce()
            } catch  where error.code == .addressInUse && isAnyPort && attempt < Listener.portAttemptsMax {
                continue
            }
        }
        return []
    }

    private var isAnyPort: Bool {
        addresses.contains { address in
            switch address {
            case .loopback(let port), .host(_, let port): port == 0
            }
        }
    }

    private func bindOnce() async throws(HTTPServerError) -> [Socket] {
        var sockets: [Socket] = []
        var sharedPort: Int?
        var skipped: HTTPServerError?
        do throws(HTTPServerError) {
            let targets = try targets()
            // `::` would take IPv4's connections as well, and then collide with `0.0.0.0`.
            let isMixed = targets.contains { $0.address.protocol == .inet }
            for target in targets {
                var address = target.address
                if address.port == 0, let sharedPort { address.port = sharedPort }
                do throws(HTTPServerError) {
                    let socket = try await bind(address, isIPv6Only: isMixed && address.protocol == .inet6)
                    sockets.append(socket)
                    if target.address.port == 0 { sharedPort = localAddress(socket)?.port }
                } catch  where target.isOptional && error.code == .addressUnavailable {
                    skipped = error
                }
            }
            if sockets.isEmpty, let skipped { throw skipped }
            return sockets
        } catch {
            for socket in sockets { await close(socket) }
            throw error
        }
    }

    private func targets() throws(HTTPServerError) -> [Target] {
        var targets: [Target] = []
        for address in addresses {
            switch address {
            case .loopback(let port), .host("localhost", let port):
                targets.append(Target(address: try resolve("127.0.0.1", port), isOptional: true))
                targets.append(Target(address: try resolve("::1", port), isOptional: true))
            case .host(let host, let port):
                // Many machines have no IPv6: who asks for all of both means all that there are.
                let isOptional = host == "::" && addresses.contains(.host("0.0.0.0", port: port))
                targets.append(Target(address: try resolve(host, port), isOptional: isOptional))
            }
        }
        return targets
    }

    private func resolve(_ host: String, _ port: Int) throws(HTTPServerError) -> SocketAddress {
        guard (0...65535).contains(port) else {
            throw HTTPServerError(
                code: .badAddress,
                message: "cannot listen on port \(port): ports go from 0 to 65535",
                underlying: nil
            )
        }
        do {
            if let address = try? SocketAddress(ipAddress: host, port: port) { return address }  // Else it is a name.
            return try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw HTTPServerError(
                code: .badAddress,
                message: "cannot listen on \(host): no such address or name",
                underlying: error
            )
        }
    }

    private func bind(_ address: SocketAddress, isIPv6Only: Bool) async throws(HTTPServerError) -> Socket {
        do {
            return try await open(address, isIPv6Only)
        } catch {
            throw Listener.error(error, for: address)
        }
    }

    private static func error(_ error: any Error, for address: SocketAddress) -> HTTPServerError {
        let number = (error as? IOError)?.errnoCode ?? 0
        let (code, reason): (HTTPServerError.Code, String) =
            switch number {
            case EADDRINUSE: (.addressInUse, "another process listens there")
            case EACCES, EPERM: (.permissionDenied, "ports below 1024 need a privilege")
            case EADDRNOTAVAIL, EAFNOSUPPORT: (.addressUnavailable, "this machine has no such address")
            default: (.bindFailed, "\(error)")
            }
        return HTTPServerError(
            code: code,
            message: "cannot listen on \(address.hostAndPort): \(reason)",
            underlying: error
        )
    }
}
