// What a node's rules want done: they decide, and somebody with sockets does it.

/// One connection, or one that is being made, of one node.
package struct LinkID: Sendable, Hashable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }
}

/// Where a node listens.
public struct PeerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name, or an address of either version of IP, without brackets.
    public let host: String
    /// 1 to 65535.
    public let port: Int

    /// An address; nil unless `port` is one.
    public init?(host: String, port: Int) {
        guard (1...65_535).contains(port), !host.isEmpty else { return nil }
        (self.host, self.port) = (host, port)
    }

    /// The address in `HOST:PORT` or `[IPV6]:PORT`; nil if it is none.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.init(host: String(host), port: port)
    }

    /// `HOST:PORT`, an address with colons in brackets.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// As it travels.
    var value: MessageValue { .array([.text(host), .integer(Int64(port))]) }

    /// The longest name that there can be (RFC 1035 section 2.3.4).
    private static let hostBytesMax = 255

    /// The address in `value`; nil if there is none.
    init?(_ value: MessageValue) {
        guard let parts = value.elements, parts.count == 2, let host = parts[0].octets,
            host.count <= Self.hostBytesMax, let port = parts[1].int
        else { return nil }
        self.init(host: String(decoding: host, as: UTF8.self), port: Int(clamping: port))
    }
}

/// Why a node closes a link.
public enum ClosingReason: String, Sendable {
    /// It is of another network, or of another version of the protocol.
    case otherNetwork = "the peer is of another network"
    /// There is another link to the same node, or it is this node itself.
    case superfluous = "there is another link to that node"
    /// It did not say who it is in time.
    case silent = "the peer did not say who it is in time"
    /// What it sent was no message.
    case undecodable = "the peer sent what is no message"
    /// A frame is longer than is allowed.
    case tooLong = "the peer sent a frame that is too long"
    /// It is one too many.
    case tooMany = "there are too many links"
    /// The user has had enough.
    case closing = "this node closes"
}

/// What is to be done, in this order.
package enum NodeAction: Sendable {
    /// Connect, and say what became of it under this name.
    case dial(LinkID, PeerAddress)
    /// Send a message, compressed by this method or plain.
    case send(LinkID, PeerMessage, CompressionMethod?)
    /// The peer takes frames as fast as they come.
    case hurry(LinkID)
    case close(LinkID, ClosingReason)
    case tell(NodeEvent)
    /// Let somebody know who waits.
    case call(@Sendable () -> Void)

    /// What it takes in memory, in octets, about.
    var bytes: Int {
        switch self {
        case .send(_, let message, _): 64 + message.body.count
        case .tell(let event): event.bytes
        case .dial, .hurry, .close, .call: 64
        }
    }
}

/// What a node has to say to its user.
public enum NodeEvent: Sendable {
    /// A node is a neighbour now.
    case connected(NodeID, PeerAddress?)
    /// A neighbour has gone.
    case disconnected(NodeID)
    /// A message has come, from whichever node; `neighbour` handed it over.
    case message(PeerMessage, neighbour: NodeID)
    /// A key has a value; owner and time of the change.
    case updated(key: [UInt8], value: MessageValue, owner: NodeID, time: Int64)
    /// A key has none any more.
    case deleted(key: [UInt8])
    /// A key exists in a chord network.
    case added(key: [UInt8])
    /// An address could not be reached, or a link was closed: for people.
    case trouble(String)

    /// What it takes in memory, in octets, about.
    var bytes: Int {
        switch self {
        case .message(let message, _): message.payload.reduce(128 + message.body.count) { $0 + $1.bytes }
        case .updated(let key, let value, _, _): 128 + key.count + value.bytes
        case .deleted(let key), .added(let key): 128 + key.count
        case .connected, .disconnected, .trouble: 128
        }
    }
}
