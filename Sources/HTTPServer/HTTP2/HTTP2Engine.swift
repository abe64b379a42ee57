// The HTTP/2 connection as a state machine without I/O: octets and answers in, octets and actions out.

import HTTP

/// One server connection of HTTP/2 (RFC 9113), driven by a transport with the same calls as ``HTTP1Engine``.
///
/// A request's number is its stream's identifier. The express lane answers a request within ``receive(_:in:)`` where the
/// client's windows have room, without a stream being made. Everything else is a ``HTTP2Stream``: those that may send take
/// turns, one DATA frame each, and a source is asked for its next chunk when the one before it is in frames.
///
/// Backpressure to the client: like its sibling the engine produces nothing after output that is not small until
/// ``outputAccepted(in:)``. Until then it reads no frame either, and ``wantsRead`` turns false when enough octets wait: a
/// client that does not read cannot make us remember what it asks.
package final class HTTP2Engine {
    /// A header block whose end has not come (RFC 9113 section 4.3).
    struct HeaderBlock {
        let stream: UInt32
        let endsStream: Bool
        let dependsOnItself: Bool
        var octets: [UInt8]
        var continuations = 0
    }

    /// How far a shutdown is.
    enum Departure {
        case none
        /// The client is told to open no streams, but those on their way are still answered.
        case announced(since: Int64)
        /// The last stream is named.
        case final
    }

    // MARK: The way in

    /// Octets received and not used yet.
    var pending: [UInt8] = []
    var isPrefaceRead = false
    var hasSettings = false
    var areSettingsAcknowledged = false
    var block: HeaderBlock?
    var decoder: HPACKDecoder
    /// The greatest stream that the client has opened.
    var lastStreamID: UInt32 = 0
    /// The greatest stream that came too late, after a GOAWAY that named an earlier one as the last.
    var lateStreamID: UInt32 = 0
    var inputEnded = false
    /// What the client may still send of DATA.
    var receiveWindow = HTTP2Default.window
    /// Octets of DATA that are used up and for which the connection's window has not been opened again.
    var uncredited = 0
    var resets: FloodGuard
    var controlFrames: FloodGuard
    /// Streams that we reset lately, whose frames may still be on their way.
    var resetStreams: [UInt32] = []
    var resetStreamsNext = 0
    /// Streams below the greatest that the client has not opened, and may not any more.
    var skippedStreams: [Range<UInt32>] = []

    // MARK: The way out

    /// Streams that are neither answered nor given up, by identifier.
    var streams: [HTTP2Stream] = []
    /// Those that may go on, in turn.
    var ready: [HTTP2Stream] = []
    var readyFirst = 0
    /// Those that wait for the connection's window.
    var starved: [HTTP2Stream] = []
    /// Since when the client has opened the connection's window by too little; nil while that has room.
    var starvedSince: Int64?
    var sentSinceStarved = 0
    /// What we may send of DATA.
    var sendWindow = HTTP2Default.window
    var peerInitialWindow = HTTP2Default.window
    var peerFrameBytesMax = HTTP2Default.frameBytesMax
    /// Whether the client knows that our table stays empty.
    var hasSentBlock = false

    /// The transport holds output that the client has not taken.
    var isBlocked = false
    /// Output was produced that must be accepted before there is more.
    var awaitsAcceptance = false
    var ending = HTTP1Engine.Ending.open
    var departure = Departure.none

    // Milliseconds of the context's clock.
    var idleSince: Int64
    var headSince: Int64?
    var outputSince: Int64

    let limits: HTTP2Configuration
    let streamWindow: Int

    /// The client, for the journal; set by the transport where there is one.
    package var client = JournalClient()

    /// A connection whose client speaks HTTP/2; says so at once.
    package init(in context: inout EngineContext) {
        limits = context.configuration.http2
        streamWindow = min(max(1, context.configuration.requestBodyBufferBytes), HTTP2Default.windowMax)
        decoder = HPACKDecoder(tableSizeLimit: limits.headerTableBytes)
        idleSince = context.now
        outputSince = context.now
        headSince = context.now
        resets = FloodGuard(most: limits.resetsMax, perSecond: limits.resetsPerSecond, now: context.now)
        controlFrames = FloodGuard(
            most: limits.controlFramesMax,
            perSecond: limits.controlFramesPerSecond,
            now: context.now
        )
        begin(in: &context)
    }

    // MARK: What the transport may ask

    /// Whether octets from the client are wanted; false: leave them in the socket.
    package var wantsRead: Bool {
        switch ending {
        case .closed, .flushing: false
        case .lingering: true
        case .open: pending.count < HTTP2Engine.pendingBytesMax
        }
    }

    /// Whether the connection has nothing to do, so that a server that stops may close it.
    package var isIdle: Bool {
        streams.isEmpty && pending.isEmpty && block == nil && ending == .open
    }

    /// Whether the engine waits for ``outputAccepted(in:)``.
    package var wantsAcceptance: Bool { (awaitsAcceptance || isBlocked) && ending != .closed }

    /// Octets that are kept while output rests; more than the largest frame.
    static let pendingBytesMax = 32 * 1024
    /// Output after which nothing more is produced until it is accepted: from requests, and as much again from streams.
    static let outputBytesMax = 64 * 1024

    // MARK: Events of the transport

    /// Octets came in.
    package func receive(_ octets: Span<UInt8>, in context: inout EngineContext) {
        guard ending == .open else { return }
        if context.journal.isOn { context.receivedAtNanoseconds = context.monotonicNanoseconds() }
        guard pending.isEmpty, !isBlocked, !awaitsAcceptance else {
            keep(octets)
            return settle(in: &context)
        }
        let used = process(octets, in: &context)
        if used < octets.count, ending == .open { keep(octets.extracting(used...)) }
        settle(in: &context)
    }

    /// The client has closed its sending side: no window opens any more, but what fits is still sent.
    package func endInput(in context: inout EngineContext) {
        inputEnded = true
        switch ending {
        case .closed, .flushing: return
        case .lingering: return close(.flush, in: &context)
        case .open: break
        }
        outputSince = context.now
        for stream in streams where stream.isRemoteOpen { stream.body?.fail(.truncated) }
        settle(in: &context)
    }

    /// The transport could not hand all output to the client: nothing more until ``outputAccepted(in:)``.
    package func blockOutput(in context: inout EngineContext) {
        if !isBlocked { outputSince = context.now }
        isBlocked = true
    }

    /// The client has taken something of what is blocked.
    package func noteOutputProgress(in context: inout EngineContext) {
        outputSince = context.now
    }

    /// All output is handed on, or so much of it that more may follow.
    package func outputAccepted(in context: inout EngineContext) {
        isBlocked = false
        awaitsAcceptance = false
        outputSince = context.now
        guard ending == .open else { return }
        settle(in: &context)
    }

    /// No new requests: an idle connection is closed, any other after what is running and what is on its way.
    package func shutDown(in context: inout EngineContext) {
        guard ending == .open, case .none = departure else { return }
        guard !isIdle else { return leave(.noError, in: &context) }
        // RFC 9113 section 6.8: first a GOAWAY that names no stream, then, a round trip later, one that does.
        departure = .announced(since: context.now)
        context.output.output.append(goAway: .noError, lastStream: UInt32(HTTP2Default.windowMax))
        let ping = HTTP2Engine.departurePing
        context.output.output.append(ping: ping.span, isAck: false)
    }

    /// The connection is gone.
    package func connectionLost(in context: inout EngineContext) {
        guard ending != .closed else { return }
        ending = .closed
        giveUpStreams(in: &context)
    }

    /// The connection is one too many: it is told so, whatever it asks.
    package func refuseConnection(_ refusal: RequestRefusal, in context: inout EngineContext) {
        guard ending == .open else { return }
        leave(.enhanceYourCalm, in: &context)
    }

    /// Ends the connection at once, so that the client sees a reset.
    package func abort(in context: inout EngineContext) {
        guard ending != .closed else { return }
        close(.abort, in: &context)
    }

    // MARK: Moving on

    /// Does everything that can be done now, until it waits for an event.
    func settle(in context: inout EngineContext) {
        while ending == .open, !isBlocked, !awaitsAcceptance {
            let pendingBefore = pending.count
            let didPump = pump(in: &context)
            if !pending.isEmpty { processPending(in: &context) }
            if context.output.output.count >= HTTP2Engine.outputBytesMax { awaitsAcceptance = true }
            guard didPump || pending.count < pendingBefore else { break }
        }
        guard ending == .open, streams.isEmpty, !isBlocked, !awaitsAcceptance else { return }
        if inputEnded {
            close(.flush, in: &context)
        } else if case .final = departure {
            close(.linger, in: &context)
        }
    }

    private func keep(_ octets: Span<UInt8>) {
        octets.withUnsafeBufferPointer { pending.append(contentsOf: $0) }
    }

    /// Goes on with octets that were kept.
    private func processPending(in context: inout EngineContext) {
        let octets = pending
        pending = []
        let used = process(octets.span, in: &context)
        guard ending == .open else { return }
        if used == 0 {
            pending = octets
        } else if used < octets.count {
            pending = Array(octets[used...])
        }
    }

    // MARK: Streams

    /// Where the stream of that identifier stands, or would stand.
    func position(of id: UInt32) -> Int {
        var (low, high) = (0, streams.count)
        while low < high {
            let middle = (low + high) / 2
            if streams[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The stream of that identifier, if it is open.
    func stream(_ id: UInt32) -> HTTP2Stream? {
        let position = position(of: id)
        return position < streams.count && streams[position].id == id ? streams[position] : nil
    }

    /// The stream of that request, if it is open.
    func stream(of number: RequestNumber) -> HTTP2Stream? {
        ending == .open ? stream(UInt32(truncatingIfNeeded: number)) : nil
    }

    /// Whether no stream of that identifier was ever begun (section 5.1.1).
    func isIdle(_ id: UInt32) -> Bool { id > max(lastStreamID, lateStreamID) }

    /// Makes a stream of the request that the client has just opened.
    func open(_ id: UInt32, in context: inout EngineContext) -> HTTP2Stream {
        let window = areSettingsAcknowledged ? streamWindow : max(streamWindow, HTTP2Default.window)
        let stream = HTTP2Stream(id: id, sendWindow: peerInitialWindow, receiveWindow: window)
        if context.journal.isOn {
            stream.record = ExchangeRecord(startedAtNanoseconds: context.monotonicNanoseconds())
        }
        // Clients open streams in ascending order.
        streams.append(stream)
        return stream
    }

    /// Forgets a stream; what its task still says finds nobody.
    func remove(_ stream: HTTP2Stream, isComplete: Bool, in context: inout EngineContext) {
        let position = position(of: stream.id)
        guard position < streams.count, streams[position] === stream else { return }
        streams.remove(at: position)
        release(stream, isComplete: isComplete, in: &context)
        credit(stream.uncreditedToConnection, in: &context)
        stream.uncreditedToConnection = 0
        if streams.isEmpty { idleSince = context.now }
    }

    /// Lets go of what a stream holds, and tells the log.
    private func release(_ stream: HTTP2Stream, isComplete: Bool, in context: inout EngineContext) {
        stream.body?.fail(isComplete ? .cancelled : .truncated)
        stream.chunk = nil
        if case .ready(let response) = stream.phase { response.body.cancel() }
        if !stream.hasEnded { stream.source?.cancel() }
        if stream.isRunning { context.actions.append(.cancel(stream.number)) }
        stream.isRunning = false
        stream.phase = .streaming
        report(stream, isComplete: isComplete, in: &context)
    }

    // MARK: Ending

    /// Names the last stream and ends the connection, so that the client can still read that.
    func leave(_ code: HTTP2ErrorCode, in context: inout EngineContext) {
        context.output.output.append(goAway: code, lastStream: lastStreamID)
        close(.linger, in: &context)
    }

    func close(_ kind: EngineClose, in context: inout EngineContext) {
        switch kind {
        case .flush: ending = .flushing
        case .linger: ending = inputEnded ? .flushing : .lingering
        case .abort: ending = .closed
        }
        idleSince = context.now
        outputSince = context.now
        pending = []
        block = nil
        headSince = nil
        giveUpStreams(in: &context)
        context.actions.append(.close(ending == .flushing ? .flush : kind))
    }

    /// Cancels what runs and reports it as cut.
    private func giveUpStreams(in context: inout EngineContext) {
        let cut = streams
        streams = []
        ready = []
        readyFirst = 0
        starved = []
        for stream in cut { release(stream, isComplete: false, in: &context) }
    }

    /// Tells the journal about a response.
    private func report(_ stream: HTTP2Stream, isComplete: Bool, in context: inout EngineContext) {
        guard let record = stream.record else { return }
        context.journal.report(record, from: client, isComplete: isComplete, at: context.monotonicNanoseconds())
    }
}
