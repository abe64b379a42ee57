// What all connections of one event loop share: the responder, the limits, the time, and buffers that are reused.

package import HTTP

/// Shared by the engines of one event loop and touched by no other thread; passed `inout` into each call.
///
/// After a call the transport takes ``output`` and ``actions`` out, in that order, before it calls any engine again.
package struct EngineContext {
    /// The server's configuration.
    package let configuration: HTTPServerConfiguration
    /// Who answers.
    package let responder: any Responder
    /// A clock that only goes forward, in nanoseconds; read only for the ``journal``.
    package let monotonicNanoseconds: @Sendable () -> UInt64

    /// Octets to send, then perhaps one run of octets that are not worth copying.
    package var output = ImmediateResponse()
    /// Whether CRLF follows `output.body`: the end of a chunk.
    package var bodyEndsChunk = false
    /// What else the transport must do, in order, after it has taken the output.
    package var actions: [EngineAction] = []

    /// Log and counters of this event loop.
    package var journal: ResponseJournal
    /// When the octets came that are worked on, by the clock of ``monotonicNanoseconds``; set only for the journal.
    var receivedAtNanoseconds: UInt64 = 0

    /// Milliseconds of a clock that only goes forward, as of the last tick.
    package private(set) var now: Int64 = 0

    var head = RequestHead()
    var http2 = HTTP2Scratch()
    private(set) var date = DateLine()
    let limits: RequestParser.Limits
    let timeouts: EngineTimeouts

    /// What `configuration` asks for, at time 0 of the tick's clock.
    package init(
        configuration: HTTPServerConfiguration,
        responder: any Responder,
        monotonicNanoseconds: @escaping @Sendable () -> UInt64
    ) {
        self.configuration = configuration
        self.responder = responder
        self.monotonicNanoseconds = monotonicNanoseconds
        var limits = RequestParser.Limits()
        limits.headBytesMax = configuration.headBytesMax
        limits.requestLineBytesMax = configuration.requestLineBytesMax
        limits.fieldsMax = configuration.fieldsMax
        self.limits = limits
        timeouts = EngineTimeouts(configuration)
        journal = ResponseJournal(configuration)
        journal.advance(to: 0, unixTime: configuration.unixTime())
        date.update(unixTime: configuration.unixTime())
    }

    /// Whether the transport has something to do; mutating so that a context kept in a class is asked in place.
    package mutating func hasWork() -> Bool {
        hasOutput() || !actions.isEmpty
    }

    /// Whether there are octets to send; mutating for the same reason.
    package mutating func hasOutput() -> Bool {
        !output.output.isEmpty || output.body != nil
    }

    /// Empties the output and keeps its storage, unless one large read made it grow.
    package mutating func clearOutput() {
        if output.output.capacity > EngineContext.keptOutputBytes {
            output.output = []
        } else {
            output.output.removeAll(keepingCapacity: true)
        }
    }

    private static let keptOutputBytes = 256 * 1024

    /// Sets the time; to be called at each tick of the event loop, before the engines' ticks.
    package mutating func advance(to milliseconds: Int64) {
        now = milliseconds
        let unixTime = configuration.unixTime()
        date.update(unixTime: unixTime)
        journal.advance(to: now, unixTime: unixTime)
    }
}

/// The configuration's times in milliseconds, as the engine compares them.
struct EngineTimeouts: Sendable {
    let idle, head, body, writeStall, halfClosed, linger: Int64

    init(_ configuration: HTTPServerConfiguration) {
        idle = configuration.idleTimeout.milliseconds
        head = configuration.headTimeout.milliseconds
        body = configuration.bodyTimeout.milliseconds
        writeStall = configuration.writeStallTimeout.milliseconds
        halfClosed = configuration.halfClosedTimeout.milliseconds
        linger = configuration.lingerTimeout.milliseconds
    }

    /// The shortest of them.
    var shortest: Int64 {
        [idle, head, body, writeStall, halfClosed, linger].reduce(Int64.max, min)
    }
}

extension Duration {
    /// Whole milliseconds, at least 1.
    var milliseconds: Int64 {
        max(
            1,
            components.seconds.multipliedReportingOverflow(by: 1000).partialValue
                + components.attoseconds / 1_000_000_000_000_000
        )
    }
}

/// What an engine asks of its transport besides sending octets.
package enum EngineAction {
    /// Give this request to the responder and hand what it answers to ``HTTP1Engine/respond(_:with:in:)``.
    case start(StartedRequest)
    /// Let the response's stream of that request go on: its next chunk can be taken.
    case pull(RequestNumber)
    /// Give that request up: cancel its task, and end its stream.
    case cancel(RequestNumber)
    /// The client speaks HTTP/2: ``HTTP1Engine/giveWay()`` to its engine, and go on with that.
    case speakHTTP2
    /// Nothing follows on this connection.
    case close(EngineClose)
}

/// A request's place among the requests of its connection.
package typealias RequestNumber = UInt64

/// A request that the express lane did not answer.
package struct StartedRequest {
    package let number: RequestNumber
    /// Without its remote address and interim handler, which the transport adds.
    package var request: Request
    /// The request's body if it is streamed; the transport sets its demand handler.
    package let body: RequestBody?
    /// Whether interim responses can be sent.
    package let takesInterim: Bool
}

/// How a connection ends.
package enum EngineClose: Sendable, Equatable {
    /// After all output is sent.
    case flush
    /// After all output is sent the sending side is closed; the engine asks for ``flush`` when it has seen the end.
    case linger
    /// At once, so that the client sees a reset.
    case abort
}
