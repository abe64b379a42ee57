// One stream of a connection from its HEADERS to its end: a request and its response.

import HTTP

/// A request that the express lane did not answer at once, or whose answer is still on its way out.
final class HTTP2Stream {
    /// How far the response is.
    enum Phase {
        /// The responder has not answered.
        case waiting
        /// It has; the head is still to be written.
        case ready(Response)
        /// The head is out and octets follow.
        case streaming
    }

    let id: UInt32
    var phase = Phase.waiting
    /// Whether a task works on it.
    var isRunning = false
    var isHead = false
    /// For the log; nil where there is none.
    var record: ExchangeRecord?

    // MARK: The response

    /// Octets that the client lets us send; less than 0 after it has made all windows smaller.
    var sendWindow: Int
    /// What is being sent; nil if the next chunk has to come first.
    var chunk: BodyChunk?
    /// The response's stream, to be cancelled if the client goes; nil if ``chunk`` is all that is left.
    var source: Body?
    /// Octets that must still come of the source; nil if the length is not declared.
    var remaining: Int64?
    /// Whether the next chunk has been asked for.
    var isPulled = false
    /// Whether nothing comes behind ``chunk``.
    var hasEnded = false
    /// Whether it stands in a queue of the connection.
    var isQueued = false
    /// Interim responses that wait until output goes on.
    var interims: [InterimResponse] = []
    /// Since when the client has taken too little, in milliseconds; nil while it is not its turn.
    var stalledSince: Int64?
    var sentSinceStall = 0

    // MARK: The request

    /// The request's body while it comes; nil without one.
    var body: RequestBody?
    /// The request, while it waits for the end of a body that is declared to be empty.
    var held: StartedRequest?
    /// Whether END_STREAM has not come yet.
    var isRemoteOpen = false
    /// Octets of the body that must still come; nil if their number was not declared.
    var bodyRemaining: Int64?
    /// Whether the client waits to be told to send the body.
    var awaitsContinue = false
    /// Octets that the client may send.
    var receiveWindow: Int
    /// Octets that came and for which the stream's window has not been opened again.
    var uncredited = 0
    /// As many of them as the connection's window has not been opened again for.
    var uncreditedToConnection = 0
    var bodySince: Int64 = 0
    var bodyBytesSince = 0

    init(id: UInt32, sendWindow: Int, receiveWindow: Int) {
        self.id = id
        self.sendWindow = sendWindow
        self.receiveWindow = receiveWindow
    }

    var number: RequestNumber { RequestNumber(id) }

    /// Whether there are octets that only wait for the client's windows.
    var wantsToSend: Bool { chunk != nil }

    /// Interim responses that are kept for one stream; more are dropped.
    static let interimsMax = 8
}
