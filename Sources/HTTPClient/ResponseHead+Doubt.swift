// Whether a connection may carry another request after a response.

extension ResponseHead {
    /// Whether octets may follow that nobody asked for and that could pass for the answer to the next request.
    ///
    /// Some origins do not read a body that they do not expect, and take it for the next request; some send a body where
    /// there is none. libcurl drops what it has read of such octets and uses the connection again, so that the rest of them
    /// would be read as another's answer (RFC 9112 section 11.1). With HTTP/2 a stream has an end of its own.
    func leavesDoubt(about request: PreparedRequest, _ configuration: HTTPClientConfiguration) -> Bool {
        guard majorVersion == 1 else { return false }
        switch request.kind {
        case .upload: return !configuration.keepsConnectionsForAll
        case .head: return true
        case .get, .custom: break
        }
        guard status == 204 || status == 304 else { return false }
        return declaredLength ?? 0 > 0 || coding != .absent
    }
}
