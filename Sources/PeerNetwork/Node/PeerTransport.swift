// The seam to the network: connections that carry octets, whatever carries them.

/// Makes connections and moves octets; each call returns at once, on any thread.
package protocol PeerTransport: Sendable {
    /// Takes incoming connections, and calls `node` for what happens, until ``stop()``.
    func start(_ node: any TransportDelegate)

    /// Connects to `address`; the node is told whether that came about.
    func dial(_ link: LinkID, to address: PeerAddress)

    /// Sends a frame behind those before it; to who is not in a hurry one at a time, with a pause between.
    ///
    /// A node of py2p cuts the link when a receive of its own ends with exactly the four octets in front of a frame, as happens
    /// when it reads long bursts.
    func send(_ frame: [UInt8], on link: LinkID)

    /// The peer takes frames as fast as they come.
    func hurry(_ link: LinkID)

    /// Closes a connection, once what was sent before has gone or a second has passed; the node is not told of it.
    func close(_ link: LinkID)

    /// Takes nothing in, or does again: the node has more than its user takes from it.
    func setReading(_ isReading: Bool)

    /// Takes no connections any more, and closes those that there are.
    func stop()
}

/// What a transport tells a node; called in order for each connection.
package protocol TransportDelegate: AnyObject, Sendable {
    /// A connection has come in; the name that it has from now on, which `register` hears before anything is sent on it.
    func accepted(register: (LinkID) -> Void) -> LinkID
    /// A connection that was to be dialled stands.
    func opened(_ link: LinkID)
    /// Octets have come: what is left of them when whole frames are taken stays with `reader`.
    func received(_ reader: inout LinkReader, on link: LinkID)
    /// A connection is over, or could not be made: why, for people.
    func closed(_ link: LinkID, _ trouble: String?)
    /// More waits to be sent than is good, or does not any more.
    func setCongested(_ isCongested: Bool)
    /// It is time to look at what is due; to be called about every quarter of a second.
    func tick()
}

/// What has come on one connection and is no whole frame yet.
package struct LinkReader {
    var frames = FrameReader()

    /// Whether a frame has come in part.
    package var isWithinFrame: Bool { frames.isWithinFrame }

    /// Nothing has come.
    package init() {}

    /// Adds what has come.
    package mutating func append(_ octets: some Collection<UInt8>) {
        frames.append(octets)
    }
}
