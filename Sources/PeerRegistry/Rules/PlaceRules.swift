// Which URLs a registry takes in: none that nobody must connect to, and in public none of somebody's own network.

import PeerIdentity

/// What is wrong with a peer's URL; nil: nothing.
///
/// A host by name is not resolved: what it stands for is judged by whoever connects to it.
enum PlaceRules {
    static func fault(of url: PeerURL, isPublic: Bool) -> String? {
        var host = url.host
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        while host.hasSuffix(".") { host.removeLast() }
        if let scope = AddressScope(literal: host) {
            guard isPublic, scope != .public else { return nil }
            return "url: this registry is public, and \(host) is a loopback or private address"
        }
        let labels = host.lowercased().split(separator: ".", omittingEmptySubsequences: false)
        // Anything with a colon, or whose last label is a number, is an address in some notation and no name.
        let last = labels.last ?? ""
        if host.contains(":") || last.first?.isNumber == true && isNumber(last) {
            return "url: \(host) is no address that anyone can connect to"
        }
        guard isPublic else { return nil }
        let isLocal = labels.count == 1 || ["localhost", "local", "internal", "lan"].contains(last)
        return isLocal ? "url: this registry is public, and \(host) is a name in a private network" : nil
    }

    /// Whether a label is a number in decimal, octal or hexadecimal, as `inet_aton` reads them.
    private static func isNumber(_ label: Substring) -> Bool {
        if label.hasPrefix("0x") { return label.dropFirst(2).allSatisfy { $0.isHexDigit } }
        return label.allSatisfy { $0.isASCII && $0.isNumber }
    }
}
