// Removal of the fields that belong to one connection and must not be passed on or stored (RFC 9110 section 7.6.1).

extension Fields {
    /// Removes Connection, the fields that it names, and those that are always the connection's own.
    ///
    /// These are Keep-Alive, TE, Trailer, Transfer-Encoding, Upgrade, Proxy-Connection, Proxy-Authenticate,
    /// Proxy-Authorization and Proxy-Authentication-Info. A name in Connection removes only fields that this package
    /// gives no meaning to: `Connection: cache-control, authorization, content-type` would otherwise let one side strip
    /// what the other's answer, or the decision to store it, hangs on. RFC 9110 section 7.6.1 forbids to name fields
    /// that are meant for all recipients, so such a name is an error or an attack. Call this before the cache key is
    /// made, so that what was removed neither selects a stored response nor reaches the origin.
    package mutating func removeHopByHop() {
        let named = values(.connection).flatMap { FieldNameList.members(of: $0.span) }
        removeLines { line, fields in
            switch line.known {
            case .connection, .keepAlive, .te, .trailer, .transferEncoding, .upgrade: true
            case .proxyConnection, .proxyAuthenticate, .proxyAuthorization: true
            case .other:
                fields.name(of: line).span.equalsIgnoringCase("proxy-authentication-info")
                    || named.contains { fields.name(of: line).span.equalsIgnoringCase($0.span) }
            default: false
            }
        }
    }
}
