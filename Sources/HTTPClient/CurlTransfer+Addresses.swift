// Which addresses a transfer may use and does use.

import CCurl

extension CurlTransfer {
    /// Has the policy asked before each socket that libcurl opens for this handle.
    static func setAddressPolicy(_ easy: UnsafeMutableRawPointer) {
        ccurl_set_open_socket_callback(easy) { context, _, address in
            guard let context, let address else { return CURL_SOCKET_BAD }
            var octets = [UInt8](repeating: 0, count: 16)
            let count = octets.withUnsafeMutableBufferPointer { ccurl_address_octets(address, $0.baseAddress) }
            guard CurlTransfer.at(context).allows(Array(octets.prefix(Int(count)))) else { return CURL_SOCKET_BAD }
            return ccurl_open_socket(address)
        }
    }

    /// Whether a request may go out on `connection`, however old that is; tells who wants to know that it does.
    ///
    /// libcurl keeps connections of one client only, all of them opened under its policy; but a policy may change its
    /// mind, and this is the last moment before octets leave.
    func mayUse(_ connection: IdleSockets.Connection) -> Bool {
        let configuration = loop.configuration
        guard configuration.allowsAddress != nil || configuration.onConnected != nil else { return true }
        let remoteAddress = Self.octets(connection.remoteAddress)
        if configuration.allowsAddress != nil {
            refusedAddresses = []
            hasAllowedAddress = false
            guard allows(remoteAddress) else {
                failure = addressRefusal()
                return false
            }
        }
        configuration.onConnected?(
            ConnectionAddresses(
                authority: exchange.request.authority,
                localAddress: Self.octets(connection.localAddress),
                remoteAddress: remoteAddress
            )
        )
        return true
    }

    /// Why there is no connection, if it is that the policy allows no address; nil if it allowed one, or was not asked.
    func addressRefusal() -> HTTPClientError? {
        guard !refusedAddresses.isEmpty, !hasAllowedAddress else { return nil }
        let addresses = refusedAddresses.joined(separator: " and ")
        return HTTPClientError(
            .addressRefused,
            "\(exchange.request.summary): not connected, since \(addresses) is not an address that may be connected to "
                + "from here; name a host elsewhere, or allow that address"
        )
    }

    /// Asks the policy and keeps its answer; what is no IP address is refused.
    private func allows(_ address: [UInt8]) -> Bool {
        guard !address.isEmpty, loop.configuration.allowsAddress?(address) ?? true else {
            let text = Self.text(address)
            // A name may have any number of addresses.
            if !refusedAddresses.contains(text), refusedAddresses.count < 4 { refusedAddresses.append(text) }
            return false
        }
        hasAllowedAddress = true
        return true
    }

    private static func octets(_ text: String) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: 16)
        let count = octets.withUnsafeMutableBufferPointer { ccurl_text_octets(text, $0.baseAddress) }
        return Array(octets.prefix(Int(count)))
    }

    private static func text(_ address: [UInt8]) -> String {
        guard address.count == 16 else {
            return address.isEmpty ? "what is no IP address" : address.map { String($0) }.joined(separator: ".")
        }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(address[$0]) << 8 | UInt16(address[$0 + 1]) }
        return "[" + groups.map { String($0, radix: 16) }.joined(separator: ":") + "]"
    }
}
