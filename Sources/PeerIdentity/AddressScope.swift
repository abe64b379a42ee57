// How local an address is: whom a URL may send a client to.

/// From where an address can be reached; a URL is connected only at one no more local than the registry's.
///
/// Special addresses by the IANA registries of RFC 6890. What embeds an IPv4 address (mapped, compatible, NAT64, 6to4) is
/// judged by that one; what is set aside for documentation, tests or later use counts as private.
package enum AddressScope: Int, Sendable, Hashable, Comparable, CaseIterable {
    case loopback
    case `private`
    case `public`

    /// Nil for what is never to be connected: link-local, multicast, unspecified, broadcast and reserved addresses,
    /// and what is no address.
    ///
    /// - Parameter octets: 4 or 16, in network order.
    package init?(octets: [UInt8]) {
        switch octets.count {
        case 4: self.init(ipv4: octets)
        case 16: self.init(ipv6: octets)
        default: return nil
        }
    }

    /// The scope of an address written as text, IPv6 with or without brackets; nil as for ``init(octets:)``.
    package init?(literal: some StringProtocol) {
        var text = Array(literal.utf8)
        if text.first == UInt8(ascii: "["), text.last == UInt8(ascii: "]") { text = Array(text.dropFirst().dropLast()) }
        guard let octets = IPLiteral.ipv4(text) ?? IPLiteral.ipv6(text) else { return nil }
        self.init(octets: octets)
    }

    package static func < (left: AddressScope, right: AddressScope) -> Bool { left.rawValue < right.rawValue }

    private init?(ipv4 octets: [UInt8]) {
        switch (octets[0], octets[1], octets[2]) {
        // "This network", link-local; multicast, reserved and broadcast.
        case (0, _, _), (169, 254, _), (224..., _, _): return nil
        case (127, _, _): self = .loopback
        // RFC 1918, RFC 6598.
        case (10, _, _), (172, 16...31, _), (192, 168, _), (100, 64...127, _): self = .private
        // RFC 6890, RFC 2544, RFC 5737.
        case (192, 0, 0), (198, 18...19, _), (192, 0, 2), (198, 51, 100), (203, 0, 113): self = .private
        default: self = .public
        }
    }

    private init?(ipv6 octets: [UInt8]) {
        let isZeroUpTo = octets.firstIndex { $0 != 0 } ?? 16
        switch (octets[0], octets[1]) {
        case (0, 0) where isZeroUpTo == 16: return nil
        case (0, 0) where isZeroUpTo == 15 && octets[15] == 1: self = .loopback
        // Mapped (RFC 4291 section 2.5.5.2) and compatible (section 2.5.5.1).
        case (0, 0) where isZeroUpTo == 10 && octets[10] == 0xff && octets[11] == 0xff:
            self.init(embedded: octets[12...])
        case (0, 0) where isZeroUpTo >= 12: self.init(embedded: octets[12...])
        // NAT64 (RFC 6052): 64:ff9b::/96; 6to4 (RFC 3056).
        case (0, 0x64) where octets[2...].starts(with: [0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]):
            self.init(embedded: octets[12...])
        case (0x20, 0x02): self.init(embedded: octets[2..<6])
        // Link-local, multicast.
        case (0xfe, 0x80...0xbf), (0xff, _): return nil
        // Documentation (RFC 3849), Teredo (RFC 4380).
        case (0x20, 0x01) where octets[2...3].elementsEqual([0x0d, 0xb8]) || octets[2...3].elementsEqual([0, 0]):
            self = .private
        // The only block that global addresses are taken from (RFC 4291 section 2.4).
        case (0x20...0x3f, _): self = .public
        default: self = .private
        }
    }

    private init?(embedded octets: ArraySlice<UInt8>) {
        self.init(ipv4: Array(octets))
    }
}
