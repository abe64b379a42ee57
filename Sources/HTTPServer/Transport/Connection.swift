// The owner of one connection, and the one file that may start a Task: one for each request that the express lane could
// not answer. It holds that task, cancels it when the connection ends, and counts it so that shutdown waits for it.

import HTTP
import Logging
import NIOCore

/// Drives one ``HTTP1Engine`` over a NIO channel; the only handler in its pipeline, confined to its event loop.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = IOData

    /// A request that a task works on.
    private struct Running {
        let task: Task<Void, Never>
        /// The task, while it waits until its stream may go on.
        var waiter: CheckedContinuation<Bool, Never>?
    }

    let lane: Lane
    var engine: HTTP1Engine
    var channelContext: ChannelHandlerContext?
    /// What is left of a body that is too large to be written at once.
    var pendingBody: PendingBody?
    /// How the connection ends once ``pendingBody`` is out.
    var pendingClose: EngineClose?
    /// Whether ``perform()`` is on the stack: NIO calls back into the handler from within a write.
    var isPerforming = false
    /// Octets that NIO held at the last tick, to see whether the client takes any.
    var bufferedAtTick = 0

    private var running: [RequestNumber: Running] = [:]
    private var isReading = true
    private var remoteAddressText: String?

    /// A connection on the lane of its event loop.
    init(lane: Lane) {
        self.lane = lane
        engine = HTTP1Engine(in: lane.context)
    }

    // MARK: Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        channelContext = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        channelContext = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let isWithinLimit = lane.add(self) else { return context.close(promise: nil) }
        if lane.context.configuration.onResponse != nil { engine.remoteAddress = remoteAddress(in: context) }
        if !isWithinLimit {
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
        guard pendingBody == nil, context.channel.isWritable else { return }
        engine.outputAccepted(in: &lane.context)
        perform()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        engine.endInput(in: &lane.context)
        perform()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client's reset or the like: channelInactive follows or is brought about here.
        context.close(promise: nil)
    }

    // MARK: Events of the lane

    func tick() {
        if let channelContext, !channelContext.channel.isWritable || pendingBody != nil {
            let buffered = bufferedBytes(channelContext)
            if buffered != bufferedAtTick { engine.noteOutputProgress(in: &lane.context) }
            bufferedAtTick = buffered
        }
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
        case .pull(let number):
            running[number]?.waiter.take()?.resume(returning: true)
        case .cancel(let number):
            guard let request = running.removeValue(forKey: number) else { return }
            request.task.cancel()
            request.waiter?.resume(returning: false)
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
        let responder = lane.context.responder
        let tasks = lane.taskCount
        var request = started.request
        if let channelContext { request.remoteAddress = remoteAddress(in: channelContext) }
        if started.takesInterim {
            request.onInterim = { interim in
                eventLoop.execute { connection.value.interim(number, interim) }
            }
        }
        started.body?.setOnDemand { demand in
            eventLoop.execute { connection.value.bodyDemand(number, demand) }
        }
        let link = ResponseLink(number: number, connection: connection, logger: lane.logger)
        tasks.enter()
        running[number] = Running(
            task: Task { [request] in
                await link.answer(request, with: responder)
                tasks.leave()
            }
        )
    }

    /// The responder answered without a stream: its task is done.
    func respond(_ number: RequestNumber, with response: Response) {
        running[number] = nil
        engine.respond(number, with: response, in: &lane.context)
        perform()
    }

    /// The responder answered with a stream: its task waits until the first chunk is wanted.
    func respond(
        _ number: RequestNumber,
        withStreamOf response: Response,
        waiter: CheckedContinuation<Bool, Never>
    ) {
        guard running[number] != nil else {
            response.body.cancel()
            return waiter.resume(returning: false)
        }
        running[number]?.waiter = waiter
        engine.respond(number, with: response, in: &lane.context)
        perform()
    }

    /// A stream's next chunk; its task waits until another one is wanted.
    func send(_ number: RequestNumber, _ chunk: BodyChunk, waiter: CheckedContinuation<Bool, Never>) {
        guard running[number] != nil else { return waiter.resume(returning: false) }
        running[number]?.waiter = waiter
        engine.send(number, chunk, in: &lane.context)
        perform()
    }

    /// A stream has ended, well or not: its task is done.
    func endStream(_ number: RequestNumber, isWhole: Bool) {
        guard running.removeValue(forKey: number) != nil else { return }
        if isWhole {
            engine.endStream(number, in: &lane.context)
        } else {
            engine.failStream(number, in: &lane.context)
        }
        perform()
    }

    private func interim(_ number: RequestNumber, _ interim: InterimResponse) {
        engine.interim(number, interim, in: &lane.context)
        perform()
    }

    private func bodyDemand(_ number: RequestNumber, _ demand: RequestBody.Demand) {
        switch demand {
        case .wanted: engine.requestBodyWanted(number, in: &lane.context)
        case .abandoned: engine.requestBodyAbandoned(number, in: &lane.context)
        }
        perform()
    }

    private func remoteAddress(in context: ChannelHandlerContext) -> String {
        if let remoteAddressText { return remoteAddressText }
        let text = context.remoteAddress?.hostAndPort ?? ""
        remoteAddressText = text
        engine.remoteAddress = text
        return text
    }
}
