// One request of a connection from the end of its head to the end of its response.

import HTTP

/// A request that the express lane did not answer at once, or whose answer is still on its way out.
struct Exchange {
    /// How far the response is.
    enum Phase {
        /// It may only start when those before it are answered (RFC 9112 section 9.3.2).
        case held(StartedRequest)
        /// The responder has not answered.
        case waiting
        /// It has; the response waits for its turn.
        case ready(Response)
        /// The head is out and chunks follow.
        case streaming(ResponseStream)
        /// The last octets are handed on; the exchange ends when they are accepted.
        case flushing
    }

    let number: RequestNumber
    var phase = Phase.waiting
    var isHead = false
    /// Whether the client speaks HTTP/1.1: it takes chunks and interim responses.
    var takesChunks = true
    /// Whether another request may follow on the connection.
    var keepsAlive = true
    /// Whether it is safe and has no body, so that it and those after it may be worked on at the same time.
    var isParallel = true
    /// Whether the client waits to be told to send the body.
    var awaitsContinue = false
    /// Whether a task works on it.
    var isRunning = false
    var body: RequestBody?
    /// Interim responses that wait for their turn, serialised.
    var interims: [UInt8] = []
    /// For the journal; nil where there is none.
    var record: ExchangeRecord?

    /// Octets of interim responses that are kept for one exchange; more are dropped.
    static let interimBytesMax = 8 * 1024

    init(number: RequestNumber) {
        self.number = number
    }
}

/// The progress of a response's stream.
struct ResponseStream {
    /// Octets that must still come; nil if the length is not declared.
    var remaining: Int64?
    /// Whether chunked framing is used.
    var isChunked: Bool
    /// Whether the next chunk has been asked for.
    var isPulled = false
    /// The response's body, to be cancelled if the connection ends.
    let body: Body
}
