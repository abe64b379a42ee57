// What a node of any of the networks may be told.

package import PeerIdentity

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
    /// The largest frame, before and after it is decompressed, in octets: 65,536 or more.
    ///
    /// What nodes of one network say to each other is to fit into what each of them takes.
    public var frameBytesMax = 16 << 20
    /// The largest frame of who has not said who it is, in octets; at most ``frameBytesMax``.
    public var strangerFrameBytesMax = 64 << 10
    /// What is kept of the messages to all, for those who have missed them, in octets.
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

    /// Whether messages to the user, and changes of a sync table, are dropped unless their sender has signed them.
    ///
    /// They are handed on all the same. What a chord table holds is signed by nobody, and taken as ever.
    public var requiresSigned = false
    /// How long a message may wait for its signature before it is dropped, in seconds: that goes in front of the message.
    public var proofSecondsMax: Int64 = 5
    /// Signatures that came before their messages, and are kept for as long as those could come.
    public var vouchersMax = 65_536

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
    /// What it signs its messages with; nil: it does not.
    package let key: IdentityKey?

    /// A node that signs nothing, and whose id anybody may take.
    package init(id: NodeID, network: NetworkID, address: PeerAddress?, methods: [CompressionMethod]) {
        (self.id, self.network, self.address, self.methods, key) = (id, network, address, methods, nil)
    }

    /// A node whose id is the hash of its key, by which it signs what it says to all, and to users.
    package init(key: IdentityKey, network: NetworkID, address: PeerAddress?, methods: [CompressionMethod]) {
        (self.network, self.address, self.methods, self.key) = (network, address, methods, key)
        id = NodeID(of: key.publicKey)
    }
}
