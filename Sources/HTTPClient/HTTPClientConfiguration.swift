// The limits and times of the client, each with its unit and what it bounds.

/// How ``CurlClient`` behaves; the defaults suit a cache in front of one origin.
package struct HTTPClientConfiguration: Sendable {
    /// From the start of a transfer until its connection is ready, at least 1 ms.
    ///
    /// Name look-up, TCP and TLS; the wait for one of ``connectionsPerHostMax`` before that has no bound of its own.
    package var connectTimeout: Duration = .seconds(10)
    /// From the request handed to the connection until the response's head is complete.
    ///
    /// Starts anew with every interim response and with every piece taken of a request body.
    package var firstByteTimeout: Duration = .seconds(30)
    /// Without a body octet from the origin; does not run while the reader is the one who waits.
    package var idleTimeout: Duration = .seconds(30)

    /// Transfers under way together; more wait their turn.
    package var transfersMax = 1024
    /// Transfers that wait for their turn; one more is refused as ``HTTPClientError/Code/overloaded``.
    package var transfersWaitingMax = 4096
    /// Connections to one host and port; transfers beyond wait for one of them.
    package var connectionsPerHostMax = 256
    /// Connections to all hosts together, those kept for later included; transfers beyond wait.
    ///
    /// Default nil: no limit.
    package var connectionsMax: Int?
    /// Connections kept open for later requests, those in use included: beyond it each is closed after its response.
    ///
    /// At least ``connectionsPerHostMax``, or there is little use in them under load.
    package var connectionsKeptMax = 256

    /// Body octets queued for a reader before the transfer is paused; it goes on below half.
    ///
    /// A transfer's memory is at most this, and twice ``receiveBufferBytes``; but a paused HTTP/2 stream may have up to
    /// 32 MiB under way, the window that libcurl 7.88 opens, which it then holds.
    package var queueBytesMax = 256 << 10
    /// Body octets queued for all readers, as long as that leaves 64 KiB for each: many transfers queue less than a few.
    package var queueBytesTotal = 4 << 20
    /// Octets handed to a reader at a time, where as many are there; 1 KiB to 512 KiB.
    package var receiveBufferBytes = 256 << 10
    /// Status line and field lines of one response head with their line ends.
    package var headBytesMax = 64 << 10
    /// Field lines of one response head.
    package var headLinesMax = 256
    /// Interim responses in front of one final response.
    package var interimResponsesMax = 16

    /// Whether HTTP/2 is offered to origins with TLS.
    package var usesHTTP2 = true
    /// Whether every request may go over a kept connection; by default only those that may be sent twice.
    ///
    /// A kept connection may end just then: such a request fails, or arrives twice. For receivers that know what they
    /// have had.
    package var keepsConnectionsForAll = false
    /// A PEM file of certificates to trust, besides those of the system.
    package var extraCAFile: String?
    /// Sent as `Authorization: Basic` to their own authority and nowhere else.
    package var credentials: [OriginCredentials] = []
    /// The URL of a proxy on the way to every origin; nil: none, whatever the environment says.
    package var originProxy: String?

    /// Whether an address may be connected to: its 4 or 16 octets, asked on the client's thread; must not block.
    ///
    /// Default nil: any. Asked for each address that the host's name really has before a socket is opened for it, and
    /// again before each request on a connection, a kept one too. If it allows none, the error is
    /// ``HTTPClientError/Code/addressRefused``. An IPv4 address within IPv6 (`::ffff:127.0.0.1`) comes as its 16
    /// octets. With ``originProxy`` it is the proxy's address that is asked for.
    package var allowsAddress: (@Sendable (_ address: [UInt8]) -> Bool)?
    /// Told between which addresses each request goes out, on the client's thread; must not block.
    ///
    /// Default nil. Called when the connection is ready (with TLS: after the handshake) and nothing is sent yet.
    package var onConnected: (@Sendable (ConnectionAddresses) -> Void)?

    package init() {}
}
