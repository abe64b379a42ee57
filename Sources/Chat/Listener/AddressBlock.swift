// Whose address it is, as far as limits go: an IPv4 address, or the /64 of an IPv6 one.

/// What one household or host has: it shares a lane and a budget.
struct AddressBlock: Sendable, Hashable {
    /// IPv4: the address; IPv6: the upper half.
    private let bits: UInt64
    private let isIPv6: Bool

    /// All that could not be told apart.
    static let unknown = AddressBlock(bits: .max, isIPv6: false)

    private init(bits: UInt64, isIPv6: Bool) {
        (self.bits, self.isIPv6) = (bits, isIPv6)
    }

    /// The block of `address:port` or `[address]:port`; ``unknown`` for anything else.
    init(remoteAddress: String?) {
        guard let remoteAddress, let colon = remoteAddress.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            self = .unknown
            return
        }
        var host = remoteAddress[..<colon]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        self = AddressBlock(host: host) ?? .unknown
    }

    /// The block of an address; nil unless `host` is one.
    init?(host: some StringProtocol) {
        if let address = AddressBlock.ipv4(Array(host.utf8)) {
            (bits, isIPv6) = (UInt64(address), false)
            return
        }
        // What follows a percent sign is the interface.
        guard let groups = AddressBlock.ipv6(Array(host.utf8.prefix { $0 != UInt8(ascii: "%") })) else { return nil }
        // IPv4 in IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address that it holds.
        if groups[..<5].allSatisfy({ $0 == 0 }), groups[5] == 0xffff {
            (bits, isIPv6) = (UInt64(groups[6]) << 16 | UInt64(groups[7]), false)
            return
        }
        (bits, isIPv6) = (groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }, true)
    }

    private static func ipv4(_ text: [UInt8]) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard part.count <= 3, part.allSatisfy({ $0 &- 0x30 < 10 }),
                let number = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            address = address << 8 | UInt32(number)
        }
        return address
    }

    /// The eight groups of an address as RFC 4291 section 2.2 writes it.
    private static func ipv6(_ text: [UInt8]) -> [UInt16]? {
        guard text.count <= 45 else { return nil }
        let pieces = String(decoding: text, as: UTF8.self).split(separator: "::", omittingEmptySubsequences: false)
        switch pieces.count {
        case 1:
            return groups(pieces[0], endsAddress: true).flatMap { $0.count == 8 ? $0 : nil }
        case 2:
            guard let head = pieces[0].isEmpty ? [] : groups(pieces[0], endsAddress: false),
                let tail = pieces[1].isEmpty ? [] : groups(pieces[1], endsAddress: true), head.count + tail.count < 8
            else { return nil }
            return head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
        default:
            return nil
        }
    }

    /// The last group of an address may be written as IPv4.
    private static func groups(_ text: Substring, endsAddress: Bool) -> [UInt16]? {
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if endsAddress, index == parts.count - 1, let address = ipv4(Array(part.utf8)) {
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
            } else if part.utf8.count <= 4, part.utf8.allSatisfy(isHexadecimal), let group = UInt16(part, radix: 16) {
                groups.append(group)
            } else {
                return nil
            }
        }
        return groups
    }

    private static func isHexadecimal(_ octet: UInt8) -> Bool {
        octet &- 0x30 < 10 || (octet | 0x20) &- 0x61 < 6
    }
}
