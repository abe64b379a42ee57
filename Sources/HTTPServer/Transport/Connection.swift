// The owner of one connection over SwiftNIO: events of the channel to the engine, what the engine wants to the channel.

import HTTP
import Logging
import NIOCore

/// Drives one ``ConnectionEngine`` over a NIO channel; the only handler in its pipeline but for TLS, confined to its event loop.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = IOData

    let lane: Lane
    var engine: ConnectionEngine
    var channelContext: ChannelHandlerContext?
    /// What is left of a body that is too large to be written at once.
    var pendingBody: PendingBody?
    /// How the connection ends once ``pendingBody`` is out.
    var pendingClose: EngineClose?
    /// Whether ``perform()`` is on the stack: NIO calls back into the handler from within a write.
    var isPerforming = false
    /// Octets that NIO held at the last tick, to see whether the client takes any.
    var bufferedAtTick = 0

    /// Whether TLS is spoken.
    let isSecure: Bool
    /// When the handshake of TLS began, in milliseconds of the context's clock; nil once it is done.
    var handshakeSince: Int64?
    /// There once a large body was sent over TLS.
    var ciphertextMemory: CiphertextMemory?
    /// Whether the connection is one too many, which it is told once that can be encrypted.
    private var isRefused = false

    private var tasks = RequestTasks()
    private var isReading = true
    private var remoteAddressText: String?

    /// A connection on the lane of its event loop.
    init(lane: Lane) {
        self.lane = lane
        isSecure = lane.context.configuration.tls != nil
        engine = ConnectionEngine(in: lane.context)
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        channelContext = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        channelContext = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let isWithinLimit = lane.add(self) else { return closeAtOnce(context) }
        if isSecure { handshakeSince = lane.context.now }
        if lane.context.journal.isOn { engine.client = JournalClient(address: remoteAddress(in: context)) }
        if !isWithinLimit, isSecure {
            isRefused = true
        } else if !isWithinLimit {
            engine.refuseConnection(.tooManyConnections, in: &lane.context)
            perform()
        } else if lane.isShuttingDown {
            shutDown()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lane.remove(self)
        engine.connectionLost(in: &lane.context)
        pendingBody = nil
        perform()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        engine.receive(buffer.readableBytesUInt8Span, in: &lane.context)
        perform()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Within perform() the change is seen there.
        guard !isPerforming, context.channel.isWritable else { return }
        sendPendingBody(context)
        guard !lane.context.hasWork() else { return perform() }
        guard pendingBody == nil, context.channel.isWritable else { return }
        engine.outputAccepted(in: &lane.context)
        perform()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if handshakeSince != nil, let protocolName = protocolNegotiated(event) {
            handshakeSince = nil
            if protocolName == "h2" { engine.speakHTTP2(in: &lane.context) }
            // A slow handshake is not idleness.
            engine.noteActivity(in: lane.context)
            if isRefused { engine.refuseConnection(.tooManyConnections, in: &lane.context) }
            return perform()
        }
        guard case .inputClosed? = event as? ChannelEvent else { return }
        engine.endInput(in: &lane.context)
        perform()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client's reset, or an end without close_notify: channelInactive follows or is brought about here.
        noteHandshakeFailure(error)
        closeAtOnce(context)
    }

    // MARK: Events of the lane

    func tick() {
        if let channelContext, !channelContext.channel.isWritable || pendingBody != nil {
            let buffered = bufferedBytes(channelContext)
            if buffered != bufferedAtTick { engine.noteOutputProgress(in: &lane.context) }
            bufferedAtTick = buffered
        }
        if let ciphertextMemory, let channelContext, pendingBody == nil, bufferedBytes(channelContext) == 0 {
            ciphertextMemory.release()
        }
        if isHandshakeLate(), let channelContext { return closeAtOnce(channelContext) }
        engine.tick(in: &lane.context)
        perform()
    }

    func shutDown() {
        engine.shutDown(in: &lane.context)
        perform()
    }

    /// Resets the connection.
    func abort() {
        engine.abort(in: &lane.context)
        perform()
    }

    // MARK: Actions

    /// Does what the engine's last calls left in the lane's context.
    func perform() {
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        repeat {
            if let channelContext { send(channelContext) } else { dropOutput() }
            if !lane.context.actions.isEmpty {
                let actions = lane.context.actions
                lane.context.actions = []
                for action in actions { perform(action) }
            }
            guard let channelContext else { break }
            if pendingBody != nil || !channelContext.channel.isWritable {
                engine.blockOutput(in: &lane.context)
            } else if engine.wantsAcceptance {
                engine.outputAccepted(in: &lane.context)
            }
        } while lane.context.hasWork()
        updateReading()
    }

    private func perform(_ action: EngineAction) {
        switch action {
        case .start(let started): start(started)
        case .pull(let number): tasks.pull(number)
        case .cancel(let number): tasks.cancel(number)
        case .speakHTTP2: engine.speakHTTP2(in: &lane.context)
        case .close(let kind):
            if let channelContext { close(kind, channelContext) }
        }
    }

    private func updateReading() {
        guard let channelContext, engine.wantsRead != isReading else { return }
        isReading.toggle()
        // Fails only on a closed channel, which reads nothing anyway.
        try? channelContext.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    // MARK: Tasks

    private func start(_ started: StartedRequest) {
        let number = started.number
        let eventLoop = lane.eventLoop
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        tasks.start(
            started,
            from: channelContext.map(remoteAddress(in:)) ?? "",
            with: lane.context.responder,
            logger: lane.logger,
            count: lane.taskCount,
            on: lane.context.configuration.taskExecutor
        ) { event in
            eventLoop.execute { connection.value.take(event, of: number) }
        }
    }

    private func take(_ event: RequestEvent, of number: RequestNumber) {
        tasks.take(event, of: number, engine: &engine, context: &lane.context)
        perform()
    }

    private func remoteAddress(in context: ChannelHandlerContext) -> String {
        if let remoteAddressText { return remoteAddressText }
        let text = context.remoteAddress?.hostAndPort ?? ""
        remoteAddressText = text
        return text
    }
}
