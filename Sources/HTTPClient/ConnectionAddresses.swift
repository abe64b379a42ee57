// Between which addresses a request goes.

/// The two ends of the connection that a request is sent on.
package struct ConnectionAddresses: Sendable, Equatable {
    /// Host and optional port, as the request names them.
    package var authority: String
    /// 4 or 16 octets of this machine's address.
    package var localAddress: [UInt8]
    /// 4 or 16 octets of the address that is connected to: the origin's, or the proxy's.
    package var remoteAddress: [UInt8]

    package init(authority: String, localAddress: [UInt8], remoteAddress: [UInt8]) {
        self.authority = authority
        self.localAddress = localAddress
        self.remoteAddress = remoteAddress
    }
}
