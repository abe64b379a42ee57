// Where Redis is and as whom we come: `redis://[user:password@]host[:port][/db]`.

/// The parts of a Redis URL (https://www.iana.org/assignments/uri-schemes/prov/redis).
package struct RedisAddress: Sendable, Hashable, CustomStringConvertible {
    package let host: String
    package let port: Int
    /// Nil: the default user.
    package let user: String?
    package let password: String?
    package let database: Int

    /// Reads a URL.
    ///
    /// `rediss://` (TLS) is not supported: let stunnel or a private network carry it.
    ///
    /// - Throws: ``RedisStoreError`` with ``RedisStoreError/Code/badAddress``; the message never holds the password.
    package init(_ text: String) throws(RedisStoreError) {
        func bad(_ reason: String) -> RedisStoreError {
            RedisStoreError(.badAddress, "the Redis address \(reason); it is redis://[user:password@]host[:port][/db]")
        }
        guard !text.hasPrefix("rediss://") else { throw bad("asks for TLS, which is not supported") }
        guard text.hasPrefix("redis://") else { throw bad("does not begin with redis://") }
        var rest = text.dropFirst("redis://".count)
        guard !rest.contains(where: { "?#".contains($0) || $0.isWhitespace }) else {
            throw bad("has a query, a fragment or white space")
        }
        var path = Substring()
        if let slash = rest.firstIndex(of: "/") {
            path = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        guard path.isEmpty || path.allSatisfy({ $0.isASCII && $0.isNumber }), path.utf8.count <= 5 else {
            throw bad("has no number after the slash")
        }
        database = Int(path) ?? 0
        var credentials: (user: String?, password: String?) = (nil, nil)
        if let at = rest.lastIndex(of: "@") {
            let words = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, let name = Self.decoded(words[0]), let secret = Self.decoded(words[1]) else {
                throw bad("has before the @ something that is not user:password")
            }
            credentials = (name.isEmpty ? nil : name, secret)
            rest = rest[rest.index(after: at)...]
        }
        (user, password) = credentials
        var digits = Substring("6379")
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw bad("has a [ without a ]") }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw bad("goes on after the ]") }
            if !rest.isEmpty { digits = rest.dropFirst() }
        } else {
            let words = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = String(words.first ?? "")
            if words.count == 2 { digits = words[1] }
        }
        guard !host.isEmpty else { throw bad("has no host") }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
            (1...65_535).contains(port)
        else { throw bad("has a port that is none") }
        self.port = port
    }

    /// Without user and password, for messages and logs.
    package var description: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return "redis://\(host):\(port)\(database == 0 ? "" : "/\(database)")"
    }

    /// What a new connection begins with; each must be answered without an error.
    var greeting: [RESPCommand] {
        var commands: [RESPCommand] = []
        if let password {
            commands.append(RESPCommand((["AUTH"] + (user.map { [$0] } ?? []) + [password]).map { Array($0.utf8) }))
        }
        commands.append(database == 0 ? RESPCommand("PING") : RESPCommand("SELECT", String(database)))
        return commands
    }

    /// Percent-decoded; nil if that is not UTF-8.
    private static func decoded(_ text: Substring) -> String? {
        var octets: [UInt8] = []
        var rest = text.utf8[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "%") else {
                octets.append(octet)
                continue
            }
            let digits = Substring(rest.prefix(2))
            guard digits.utf8.count == 2, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
                let value = UInt8(digits, radix: 16)
            else { return nil }
            octets.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: octets, as: UTF8.self)
    }
}
