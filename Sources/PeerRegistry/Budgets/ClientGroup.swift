// Whose budget a request uses: its IPv4 address, or the /64 of its IPv6 address.

import PeerIdentity

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Clients that share a budget.
struct ClientGroup: Hashable, Sendable {
    /// The first 64 bits of an IPv6 address; an IPv4 address under a prefix that no IPv6 client has.
    let prefix: UInt64
    let isLoopback: Bool

    /// The group of `address:port`, IPv6 in brackets or not; whoever cannot be told is in one group with all like it.
    init(remoteAddress: String?) {
        guard let remoteAddress, let octets = ClientGroup.octets(of: remoteAddress) else {
            (prefix, isLoopback) = (.max, remoteAddress == nil)
            return
        }
        isLoopback = AddressScope(octets: octets) == .loopback
        let isMapped = octets.count == 16 && octets.prefix(12).elementsEqual(ClientGroup.mapped)
        if octets.count == 4 || isMapped {
            prefix = octets.suffix(4).reduce(0xffff_ffff) { $0 << 8 | UInt64($1) }
        } else {
            prefix = octets.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

    private static func octets(of text: String) -> [UInt8]? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        if let zone = host.firstIndex(of: "%") { host = host[..<zone] }
        let name = String(host)
        var octets = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, name, &octets) == 1 { return Array(octets.prefix(4)) }
        return inet_pton(AF_INET6, name, &octets) == 1 ? octets : nil
    }
}
