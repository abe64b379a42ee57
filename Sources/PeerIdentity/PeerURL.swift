// Where a peer listens.

/// An http or https URL without credentials, query or fragment, at most 2,048 octets.
///
/// The host is a domain name, an IPv4 address in four decimal parts or an IPv6 address in brackets without a zone; the
/// port, if there is one, 1 to 65,535; the path well encoded (RFC 3986). All of it is visible ASCII.
package struct PeerURL: Sendable, Hashable, CustomStringConvertible {
    package let text: String
    /// Places in ``text``'s octets, instead of four more strings for each of many peers.
    private let places: Places

    private struct Places: Sendable, Hashable {
        var isSecure = false
        var hostStart: UInt16 = 0
        var hostEnd: UInt16 = 0
        var pathStart: UInt16 = 0
        var port: UInt16 = 0
    }

    package static let octetsMax = 2_048

    /// - Throws: ``PeerIdentityError`` with ``PeerIdentityError/Code/badURL``, its message saying which rule.
    package init(_ text: String) throws(PeerIdentityError) {
        guard text.utf8.count <= Self.octetsMax else { throw Self.wrong("at most \(Self.octetsMax) octets") }
        self.text = text
        places = try Self.places(in: Array(text.utf8))
    }

    /// `http` or `https`.
    package var scheme: String { places.isSecure ? "https" : "http" }

    /// Host and, unless it is the scheme's own, port: what a request's authority is.
    package var authority: String {
        let name = slice(places.hostStart, places.hostEnd).lowercased()
        return port == (places.isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Beginning with `/`.
    package var path: String {
        let path = slice(places.pathStart, UInt16(text.utf8.count))
        return path.isEmpty ? "/" : path
    }

    /// In lower case; an IPv6 address without its brackets.
    package var host: String {
        let name = slice(places.hostStart, places.hostEnd).lowercased()
        return name.hasPrefix("[") ? String(name.dropFirst().dropLast()) : name
    }

    /// The one written, or the scheme's own.
    package var port: Int { Int(places.port) }

    package var description: String { text }

    package static func == (left: PeerURL, right: PeerURL) -> Bool { left.text == right.text }

    package func hash(into hasher: inout Hasher) { hasher.combine(text) }

    private func slice(_ start: UInt16, _ end: UInt16) -> String {
        let octets = text.utf8
        return String(octets.dropFirst(Int(start)).prefix(Int(end - start))) ?? ""
    }
}

extension PeerURL {
    private static func wrong(_ rule: String) -> PeerIdentityError {
        PeerIdentityError(.badURL, "a peer's URL has \(rule)")
    }

    private static func places(in octets: [UInt8]) throws(PeerIdentityError) -> Places {
        var places = Places()
        if starts(octets, with: "http://") {
            places.hostStart = 7
        } else if starts(octets, with: "https://") {
            (places.isSecure, places.hostStart) = (true, 8)
        } else {
            throw wrong("the scheme http or https")
        }
        let rest = octets[Int(places.hostStart)...]
        let pathStart = rest.firstIndex(of: UInt8(ascii: "/")) ?? octets.count
        let authority = octets[Int(places.hostStart)..<pathStart]
        guard !authority.contains(UInt8(ascii: "@")) else { throw wrong("no credentials") }
        try checkPath(octets[pathStart...])
        let hostEnd: Int
        if authority.first == UInt8(ascii: "[") {
            guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")),
                IPLiteral.ipv6(authority[(authority.startIndex + 1)..<bracket]) != nil
            else { throw wrong("an IPv6 address between its brackets") }
            hostEnd = bracket + 1
        } else {
            hostEnd = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
            guard isHost(authority[..<hostEnd]) else { throw wrong("a domain name or an IP address as its host") }
        }
        places.port = places.isSecure ? 443 : 80
        if hostEnd < authority.endIndex {
            guard authority[hostEnd] == UInt8(ascii: ":"), let port = port(authority[(hostEnd + 1)...]) else {
                throw wrong("a port of 1 to 65535")
            }
            places.port = port
        }
        (places.hostEnd, places.pathStart) = (UInt16(hostEnd), UInt16(pathStart))
        return places
    }

    /// Whether `octets` begin with `prefix`, letters compared without case (RFC 3986 section 3.1).
    private static func starts(_ octets: [UInt8], with prefix: StaticString) -> Bool {
        guard octets.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount {
            let octet = octets[index]
            let lower = octet &- 0x41 < 26 ? octet | 0x20 : octet
            guard lower == prefix.utf8Start[index] else { return false }
        }
        return true
    }

    /// `path-abempty` (RFC 3986 section 3.3).
    private static func checkPath(_ path: ArraySlice<UInt8>) throws(PeerIdentityError) {
        var index = path.startIndex
        while index < path.endIndex {
            switch path[index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                // "/" and the digits; "@", ":", ";", "=", "&" to "." but not "%", and "!", "$", "_", "~".
                UInt8(ascii: "&")...UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "!"),
                UInt8(ascii: "$"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                index += 1
            case UInt8(ascii: "%"):
                guard path.endIndex - index > 2, PercentEncoding.value(path[index + 1]) != nil,
                    PercentEncoding.value(path[index + 2]) != nil
                else { throw wrong("two digits behind each percent sign") }
                index += 3
            case UInt8(ascii: "?"): throw wrong("no query")
            case UInt8(ascii: "#"): throw wrong("no fragment")
            default: throw wrong("a path of the characters that RFC 3986 allows")
            }
        }
    }

    /// A domain name of at most 253 octets in labels of 1 to 63, perhaps with a last dot; or an IPv4 address.
    ///
    /// A last label that is a number makes it an address, so that `127.1` or `0x7f000001` is not looked up as one.
    private static func isHost(_ host: ArraySlice<UInt8>) -> Bool {
        guard 1...253 ~= host.count else { return false }
        var labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        for label in labels {
            guard 1...63 ~= label.count, label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-"),
                label.allSatisfy({
                    isLetter($0) || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                })
            else { return false }
        }
        guard let last = labels.last else { return false }
        let isNumber =
            last.allSatisfy { $0 &- 0x30 < 10 } || last.starts(with: Array("0x".utf8))
            || last.starts(with: Array("0X".utf8))
        return !isNumber || IPLiteral.ipv4(host) != nil
    }

    private static func isLetter(_ octet: UInt8) -> Bool { (octet | 0x20) &- 0x61 < 26 }

    /// Decimal digits without a leading zero.
    private static func port(_ text: ArraySlice<UInt8>) -> UInt16? {
        guard 1...5 ~= text.count, text.first != UInt8(ascii: "0"), text.allSatisfy({ $0 &- 0x30 < 10 }) else {
            return nil
        }
        return UInt16(exactly: text.reduce(0) { $0 * 10 + Int($1 - 0x30) })
    }
}
