// Which names in a Host field mean us: anything else may be a web page that had a name of its own lead here.

/// Guards plain messages against DNS rebinding: a page of `evil.example`, whose name suddenly leads to this machine,
/// can post here with the browser's blessing, but its Host says `evil.example`.
struct OwnHosts: Sendable {
    private let names: Set<String>

    /// - Parameter authorities: The hosts, with or without port, by which others reach us.
    init(_ authorities: [String]) {
        names = Set(authorities.map { OwnHosts.host(of: $0).lowercased() }).union(["localhost"])
    }

    /// Whether a request for `authority` means us: by a name of ours, by `localhost`, by any address as such (no name
    /// leads to it, so none can be bent), or without saying (no browser does that).
    func contain(authority: String) -> Bool {
        guard !authority.isEmpty else { return true }
        var host = OwnHosts.host(of: authority)[...]
        if names.contains(host.lowercased()) { return true }
        let isBracketed = host.first == "[" && host.last == "]"
        if isBracketed { host = host.dropFirst().dropLast() }
        guard AddressBlock(host: host) != nil else { return false }
        return isBracketed == host.utf8.contains(UInt8(ascii: ":"))
    }

    /// The host without its port (RFC 3986 section 3.2).
    private static func host(of authority: String) -> String {
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return authority }
            let rest = authority[authority.index(after: end)...]
            return rest.isEmpty || rest.first == ":" ? String(authority[...end]) : authority
        }
        guard let colon = authority.firstIndex(of: ":") else { return authority }
        return String(authority[..<colon])
    }
}
