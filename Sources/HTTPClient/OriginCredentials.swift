// A user and a password that belong to one authority; made so that they do not end up in a log.

/// Credentials for one origin, as they stand in `http://user:password@host/`.
package struct OriginCredentials: Sendable, Equatable {
    /// `http` or `https`.
    package let scheme: String
    /// Host and optional port, without userinfo.
    package let authority: String
    private let user: String
    private let password: String

    /// `user` and `password` are percent-decoded.
    package init(scheme: String, authority: String, user: String, password: String) {
        self.scheme = scheme
        self.authority = authority
        self.user = user
        self.password = password
    }

    /// Whether they may be sent there: same scheme, host and port, the default port being the same as none.
    package func apply(toScheme scheme: String, authority: String) -> Bool {
        self.scheme == scheme && Self.normalized(self.authority, scheme) == Self.normalized(authority, scheme)
    }

    /// The value of an Authorization field (RFC 7617 section 2).
    var authorization: [UInt8] {
        Array("Basic ".utf8) + Self.base64(Array("\(user):\(password)".utf8))
    }

    private static func normalized(_ authority: String, _ scheme: String) -> String {
        let lowercased = authority.lowercased()
        let defaultPort = scheme == "https" ? ":443" : ":80"
        if lowercased.hasSuffix(defaultPort) { return String(lowercased.dropLast(defaultPort.count)) }
        return lowercased.hasSuffix(":") ? String(lowercased.dropLast()) : lowercased
    }

    /// RFC 4648 section 4.
    static func base64(_ bytes: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var output: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                output.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : 0x3d)
            }
        }
        return output
    }
}

extension OriginCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where they belong, never what they are.
    package var description: String { "credentials for \(scheme)://\(authority)" }

    /// The same as ``description``.
    package var debugDescription: String { description }

    /// Nothing to be seen by `dump`.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
