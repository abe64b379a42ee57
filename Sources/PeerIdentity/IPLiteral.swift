// IP addresses as text, in the strict forms only.

/// Reads what RFC 3986 section 3.2.2 calls IPv4address and IPv6address.
enum IPLiteral {
    /// Four octets of `a.b.c.d`: decimal, each 0 to 255, without leading zeros; nil for all else.
    static func ipv4(_ text: some Collection<UInt8>) -> [UInt8]? {
        var octets: [UInt8] = []
        for part in text.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false) {
            guard 1...3 ~= part.count, part.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
            guard part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            let value = part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            guard let octet = UInt8(exactly: value) else { return nil }
            octets.append(octet)
        }
        return octets.count == 4 ? octets : nil
    }

    /// Sixteen octets of an IPv6 address without brackets and zone (RFC 4291 section 2.2); nil for all else.
    static func ipv6(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count <= 45 else { return nil }
        let parts = Array(text).split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        var octets: [UInt8] = []
        // Where `::` stands among the octets.
        var gap: Int?
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                // At either end `::` leaves two empty parts, of which the outer one says nothing by itself.
                if index == 0 || index == parts.count - 1 {
                    guard parts[index == 0 ? 1 : index - 1].isEmpty else { return nil }
                    continue
                }
                guard gap == nil else { return nil }
                gap = octets.count
            } else if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let tail = ipv4(part) else { return nil }
                octets += tail
            } else {
                guard part.count <= 4 else { return nil }
                var group: UInt16 = 0
                for digit in part {
                    guard let value = PercentEncoding.value(digit) else { return nil }
                    group = group << 4 | UInt16(value)
                }
                octets += [UInt8(group >> 8), UInt8(group & 0xff)]
            }
        }
        guard let gap else { return octets.count == 16 ? octets : nil }
        guard octets.count <= 14 else { return nil }
        octets.insert(contentsOf: [UInt8](repeating: 0, count: 16 - octets.count), at: gap)
        return octets
    }
}
