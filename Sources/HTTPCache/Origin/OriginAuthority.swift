// The part of a URL between `//` and the path, taken apart by strict rules (RFC 3986 section 3.2).

import HTTP

/// User name and password out of a URL; prints as nothing but a mark, so that no log can hold them by accident.
package struct OriginCredentials: Sendable, Equatable {
    package let user: String
    package let password: String

    package init(user: String, password: String) {
        self.user = user
        self.password = password
    }
}

extension OriginCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(credentials)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A parsed authority: credentials split off, host in lower case, the scheme's default port left out.
struct OriginAuthority: Equatable {
    /// Host, and port if it is not the scheme's default: what stands in a Host field and in a cache key.
    var hostAndPort: String
    var credentials: OriginCredentials?

    /// Parses `text`, which ends before the first of `/ ? #`.
    init(_ text: ArraySlice<UInt8>, scheme: String) throws(OriginMapError) {
        var rest = text
        if let at = rest.lastIndex(of: Ascii.at) {
            credentials = try Self.credentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        guard !rest.isEmpty else { throw .hostMissing }

        let hostEnd: Int
        if rest.first == Ascii.openBracket {
            guard let close = rest.firstIndex(of: Ascii.closeBracket) else { throw .ipv6 }
            guard Self.isIPv6(rest[(rest.startIndex + 1)..<close]) else { throw .ipv6 }
            hostEnd = close + 1
        } else {
            hostEnd = rest.firstIndex(of: Ascii.colon) ?? rest.endIndex
            guard hostEnd > rest.startIndex else { throw .hostMissing }
            guard Self.isName(rest[rest.startIndex..<hostEnd]) else { throw .host }
        }
        let host = String(decoding: rest[rest.startIndex..<hostEnd].map(Octet.lowercased), as: UTF8.self)
        let port = try Self.port(rest[hostEnd...])
        let standard = scheme == "https" ? 443 : 80
        hostAndPort = port.map { $0 == standard ? host : "\(host):\($0)" } ?? host
    }

    /// What follows the host: nothing, or a colon and a port; an empty port is the default (RFC 3986 section 3.2.3).
    private static func port(_ text: ArraySlice<UInt8>) throws(OriginMapError) -> Int? {
        guard let first = text.first else { return nil }
        guard first == Ascii.colon else { throw .host }
        let digits = text.dropFirst()
        guard !digits.isEmpty else { return nil }
        var value = 0
        for digit in digits {
            guard Octet.isDigit(digit) else { throw .port }
            value = value * 10 + Int(digit - 0x30)
            guard value <= 65535 else { throw .port }
        }
        guard value > 0 else { throw .port }
        return value
    }

    /// Labels of letters, digits, `-` and `_` with single dots between them; one dot may end the name.
    private static func isName(_ host: ArraySlice<UInt8>) -> Bool {
        guard host.count <= 253, host.first != Ascii.dot else { return false }
        var previous: UInt8 = 0
        for octet in host {
            switch octet {
            case Ascii.dot where previous == Ascii.dot: return false
            case Ascii.dot, Ascii.hyphen, Ascii.underscore: break
            case _ where Octet.isDigit(octet) || Ascii.isLetter(octet): break
            default: return false
            }
            previous = octet
        }
        return true
    }

    /// RFC 3986 section 3.2.2, `IPv6address`: eight groups, or fewer and one `::`; the last two may be an IPv4 address.
    private static func isIPv6(_ text: ArraySlice<UInt8>) -> Bool {
        var groups = 0
        var compressed = false
        var rest = text
        if rest.starts(with: [Ascii.colon, Ascii.colon]) {
            compressed = true
            rest = rest.dropFirst(2)
            if rest.isEmpty { return true }
        }
        while true {
            let group = rest.prefix { $0 != Ascii.colon }
            rest = rest.dropFirst(group.count)
            if group.contains(Ascii.dot) {
                guard rest.isEmpty, isIPv4(group) else { return false }
                groups += 2
                break
            }
            guard (1...4).contains(group.count), group.allSatisfy({ Ascii.hexValue($0) != nil }) else { return false }
            groups += 1
            if rest.isEmpty { break }
            rest = rest.dropFirst()
            if rest.first == Ascii.colon {
                guard !compressed else { return false }
                compressed = true
                rest = rest.dropFirst()
                if rest.isEmpty { break }
            }
        }
        return compressed ? groups <= 7 : groups == 8
    }

    private static func isIPv4(_ text: ArraySlice<UInt8>) -> Bool {
        let parts = text.split(separator: Ascii.dot, omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy(Octet.isDigit) else { return false }
                guard part.count == 1 || part.first != 0x30 else { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
            }
    }

    /// `user` or `user:password`, each percent-encoded; neither may hold what Basic cannot carry (RFC 7617 section 2).
    private static func credentials(_ text: ArraySlice<UInt8>) throws(OriginMapError) -> OriginCredentials? {
        guard !text.isEmpty, !text.contains(Ascii.at) else {
            if text.isEmpty { return nil }
            throw .credentials
        }
        let userEnd = text.firstIndex(of: Ascii.colon) ?? text.endIndex
        let user = try decoded(text[..<userEnd])
        let password = try decoded(text[userEnd...].dropFirst())
        guard !user.utf8.contains(Ascii.colon) else { throw .credentials }
        return OriginCredentials(user: user, password: password)
    }

    private static func decoded(_ text: ArraySlice<UInt8>) throws(OriginMapError) -> String {
        var octets: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            var octet = text[index]
            index += 1
            if octet == Ascii.percent {
                guard index + 1 < text.endIndex,
                    let high = Ascii.hexValue(text[index]), let low = Ascii.hexValue(text[index + 1])
                else { throw .credentials }
                octet = high << 4 | low
                index += 2
            }
            guard octet >= 0x20, octet != 0x7f else { throw .credentials }
            octets.append(octet)
        }
        guard let string = String(validating: octets, as: UTF8.self) else { throw .credentials }
        return string
    }
}
