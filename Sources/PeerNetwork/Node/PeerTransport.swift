// The seam to the network: connections that carry octets, whatever carries them.

/// Makes connections and moves octets; each call returns at once, on any thread.
package protocol PeerTransport: Sendable {
    /// Takes incoming connections, and calls `node` for what happens, until ``stop(_:)``.
    func start(_ node: any TransportDelegate)

    /// Connects to `address`; the node is told whether that came about.
    func dial(_ link: LinkID, to address: PeerAddress)

    /// Sends a frame around each payload, behind those before; to who is not in a hurry one at a time, with a pause between.
    ///
    /// A node of py2p cuts the link when a receive of its own ends with exactly the four octets in front of a frame, as happens
    /// when it reads long bursts.
    func send(_ payloads: [[UInt8]], on link: LinkID)

    /// The peer takes frames as fast as they come.
    func hurry(_ link: LinkID)

    /// Closes a connection, once what was sent before has gone or a second has passed; the node is not told of it.
    func close(_ link: LinkID)

    /// Takes nothing in, or does again: the node has more than its user takes from it.
    ///
    /// What it has left in a ``LinkReader`` it is offered again then, later than this call, and even if that connection is over.
    func setReading(_ isReading: Bool)

    /// Takes no connections any more, and closes those that there are as ``close(_:)`` does; `whenDone` is called when that is
    /// done and the port is free.
    func stop(_ whenDone: @escaping @Sendable () -> Void)
}

/// What a transport tells a node; called in order for each connection.
package protocol TransportDelegate: AnyObject, Sendable {
    /// A connection has come in; the name that it has from now on, which `register` hears before anything is sent on it.
    func accepted(register: (LinkID) -> Void) -> LinkID
    /// A connection that was to be dialled stands.
    func opened(_ link: LinkID)
    /// Octets have come: what is left of them when whole frames are taken stays with `reader`.
    ///
    /// False: the node takes nothing in for now, and whole frames may be left; see ``PeerTransport/setReading(_:)``.
    func received(_ reader: inout LinkReader, on link: LinkID) -> Bool
    /// A connection is over, or could not be made: why, for people; nil: the peer has ended it, or nobody knows.
    func closed(_ link: LinkID, _ why: String?)
    /// More waits to be sent than is good, or does not any more.
    func setCongested(_ isCongested: Bool)
    /// It is time to look at what is due; to be called about every quarter of a second.
    func tick()
}

/// What has come on one connection and is no whole frame yet.
package struct LinkReader {
    var frames = FrameReader()
    /// What was read from the frames and is not decided yet.
    var batch: MessageBatch?

    /// Whether a frame has come in part.
    package var isWithinFrame: Bool { frames.isWithinFrame }

    /// How many frames have come whole so far.
    package var frameCount: Int { frames.count }

    /// Nothing has come.
    package init() {}

    /// Adds what has come.
    package mutating func append(_ octets: some Collection<UInt8>) {
        frames.append(octets)
    }
}

/// Messages that have come together, and why there are no more of them.
struct MessageBatch {
    enum End {
        /// No other frame has come whole.
        case octets
        /// There may be more: they are many, or from the last one on frames may be read otherwise.
        case pause
        case refusal(ClosingReason)
    }

    /// From so much on, in octets when it is decompressed, messages are decided before others are looked at.
    static let bytesMax = 1 << 20

    var messages: ArraySlice<PeerMessage> = []
    var end = End.octets
}

/// What goes out on a connection.
package enum LinkWriter {
    /// Adds the frame around `payload`.
    package static func append(frameAround payload: [UInt8], to octets: inout [UInt8]) {
        octets.append(bigEndian: UInt64(payload.count), byteCount: FrameReader.headByteCount)
        octets += payload
    }

    /// How many octets the frame around `payload` has.
    package static func frameByteCount(around payload: [UInt8]) -> Int { FrameReader.headByteCount + payload.count }
}
