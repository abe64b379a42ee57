// What a node of any of the networks may be told.

/// Bounds and habits of a node; the defaults are those of py2p where it has any.
public struct NodeConfiguration: Sendable {
    /// Outgoing links beyond which no address of a peers list is dialled; 0 or more.
    public var outgoingMax = 4
    /// Links that others have made; what comes beyond is closed at once.
    public var incomingMax = 1024
    /// Older messages are neither delivered nor relayed; in seconds.
    public var ageSecondsMax: Int64 = 60
    /// Messages that are so far ahead of this node's clock are dropped; in seconds.
    public var aheadSecondsMax: Int64 = 3600
    /// Messages that are remembered, to take none twice.
    public var seenMax = 1 << 20
    /// The largest frame, before and after it is decompressed, in octets.
    public var frameBytesMax = 16 << 20
    /// The largest frame of who has not said who it is.
    public var strangerFrameBytesMax = 64 << 10
    /// What is kept of the messages that were announced to some neighbours, in octets.
    public var keptBytesMax = 16 << 20
    /// Messages that were announced and are waited for.
    public var missingMax = 65_536
    /// How long a new link may take to say who it is; in seconds.
    public var handshakeSecondsMax: Int64 = 10
    /// Addresses that are remembered, to be dialled when links are lost.
    public var addressesMax = 1000
    /// Addresses that a peers list names, chosen by lot; py2p names all.
    public var peersListMax = 32
    /// How long after a failure an address is dialled again, first and at most; in seconds.
    public var redialSeconds: ClosedRange<Int64> = 1...2

    /// The defaults.
    public init() {}
}

/// Who a node is.
package struct NodeIdentity: Sendable {
    package let id: NodeID
    package let network: NetworkID
    /// Where others reach it; nil: nowhere.
    package let address: PeerAddress?
    /// How it can read and write frames, the best first.
    package let methods: [CompressionMethod]

    package init(id: NodeID, network: NetworkID, address: PeerAddress?, methods: [CompressionMethod]) {
        (self.id, self.network, self.address, self.methods) = (id, network, address, methods)
    }
}
