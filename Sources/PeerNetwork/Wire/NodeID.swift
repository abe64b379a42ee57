// How a node is called: text in base 58, which some peers send as text and some as octets.

import Crypto

/// A node's id, compared octet by octet; what type it had on the wire does not matter.
public struct NodeID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Nobody's id is longer; those of py2p have 66 letters.
    static let byteCountMax = 256

    /// The letters, as they travel.
    public let octets: [UInt8]

    /// The id with these letters.
    public init(octets: [UInt8]) {
        self.octets = octets
    }

    /// The id with these letters.
    public init(_ text: String) {
        octets = Array(text.utf8)
    }

    /// The id of a node: base 58 of SHA-384 over its address as Python writes it, its network and a salt.
    ///
    /// - Parameters:
    ///   - host: Where it can be reached.
    ///   - port: And at which port.
    ///   - network: Its network's id.
    ///   - salt: A UUID of version 4 in lower case, one for each process.
    public init(host: String, port: Int, network: NetworkID, salt: String) {
        let text = "('\(host)', \(port))"
        octets = Base58.encode(SHA384.hash(data: Array(text.utf8) + network.octets + Array(salt.utf8)))
    }

    /// Hashes the letters at once.
    public func hash(into hasher: inout Hasher) {
        octets.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// The letters.
    public var description: String { String(decoding: octets, as: UTF8.self) }

    /// By octets, as py2p compares them where two hold the same key.
    public static func < (a: NodeID, b: NodeID) -> Bool { a.octets.lexicographicallyPrecedes(b.octets) }
}

/// What only nodes of one network have in common: its name, how it is encrypted, and the protocol's version.
public struct NetworkID: Sendable, Hashable, CustomStringConvertible {
    /// The version of the protocol: nodes of another are strangers.
    public static let version = "0.7"

    /// The letters, as they travel.
    public let octets: [UInt8]

    /// The id of a network.
    ///
    /// - Parameters:
    ///   - subnet: Its name.
    ///   - isEncrypted: Whether its links are TLS.
    public init(subnet: String, isEncrypted: Bool) {
        let text = subnet + (isEncrypted ? "SSL" : "Plaintext") + Self.version
        octets = Base58.encode(SHA256.hash(data: Array(text.utf8)))
    }

    /// The letters.
    public var description: String { String(decoding: octets, as: UTF8.self) }
}
