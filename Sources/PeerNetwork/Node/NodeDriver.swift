// Brings a node's rules and the network together: one thing at a time decides, and what it decides is done.

import Synchronization

/// A node at work.
///
/// Whoever comes first after something was decided does it, and what is decided meanwhile: so nothing is done inside the lock,
/// and on each link nothing is overtaken. What was decided together is sent together, when what else is to be done was: a link
/// is dialled before another has its message, and who is in no hurry may hear that it is a little early.
package final class NodeDriver<Rules: NodeRules>: TransportDelegate {
    private struct State {
        var rules: Rules
        var decided: [NodeAction] = []
        var isActing = false
    }

    /// Who waits until there is less to send.
    private struct Congestion {
        var isCongested = false
        /// The transport has nothing to say any more.
        var isStopped = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>
    private let congestion = Mutex(Congestion())
    private let transport: any PeerTransport
    private let compressor: any FrameCompressor
    private let now: @Sendable () -> Int64
    private let intake: Intake

    /// A node that takes part when ``start()`` is called.
    ///
    /// - Parameters:
    ///   - rules: What it does.
    ///   - transport: What carries its messages.
    ///   - compressor: How its frames are made smaller.
    ///   - eventsMax: So many events may wait for the user before nothing more is taken in.
    ///   - eventBytesMax: And so many octets in them.
    ///   - now: The time, in whole seconds since 1970.
    package init(
        _ rules: Rules,
        over transport: any PeerTransport,
        compressor: any FrameCompressor,
        eventsMax: Int = 65_536,
        eventBytesMax: Int = 64 << 20,
        now: @escaping @Sendable () -> Int64
    ) {
        state = Mutex(State(rules: rules))
        (self.transport, self.compressor, self.now) = (transport, compressor, now)
        intake = Intake(countMax: eventsMax, bytesMax: eventBytesMax, transport)
    }

    /// What happens, in order.
    package var events: NodeEvents {
        NodeEvents(queue: intake.queue) { [intake] in intake.update() }
    }

    package func start() { transport.start(self) }

    /// Closes all links behind what was sent, and ends the events.
    package func stop() {
        perform { rules, _, actions in
            rules.closeAll(&actions)
            // In turn, as somebody else may be at work on what was decided before.
            let end = NodeAction.call { self.end() }
            actions.append(end)
        }
    }

    private func end() {
        let isFirst = congestion.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        guard isFirst else { return }
        transport.stop()
        setCongested(false)
        intake.queue.end()
    }

    /// Looks at what the rules know.
    package func look<Result>(_ body: (Rules) -> Result) -> Result { state.withLock { body($0.rules) } }

    /// Has the rules decide, and does what they decide.
    @discardableResult
    package func perform<Result>(_ body: (inout Rules, Int64, inout [NodeAction]) -> Result) -> Result {
        let time = now()
        let (result, isFirst, isTold) = state.withLock { state in
            let before = state.decided.count
            let result = body(&state.rules, time, &state.decided)
            // At once, so that it is known how much waits.
            let events = Self.events(in: &state.decided, from: before)
            intake.queue.append(events)
            let isFirst = !state.isActing && !state.decided.isEmpty
            if isFirst { state.isActing = true }
            return (result, isFirst, !events.isEmpty)
        }
        if isTold { intake.update() }
        if isFirst { act() }
        return result
    }

    /// Has the rules decide what they may refuse, and returns when there is room for more to be sent.
    package func attempt<Value>(
        _ body: (inout Rules, Int64, inout [NodeAction]) throws(PeerNetworkError) -> Value
    ) async throws -> Value {
        let result: Result<Value, PeerNetworkError> = perform { rules, now, actions in
            do throws(PeerNetworkError) {
                return .success(try body(&rules, now, &actions))
            } catch {
                return .failure(error)
            }
        }
        await waitUntilUncongested()
        return try result.get()
    }

    // MARK: What the transport tells

    package func accepted(register: (LinkID) -> Void) -> LinkID {
        perform { rules, now, actions in
            let link = rules.mesh.accepted(at: now, &actions)
            register(link)
            return link
        }
    }

    package func opened(_ link: LinkID) {
        perform { rules, now, actions in rules.mesh.opened(link, at: now, &actions) }
    }

    package func received(_ reader: inout LinkReader, on link: LinkID) -> Bool {
        while intake.isReading {
            let batch = nextBatch(from: &reader.frames, on: link)
            if !batch.messages.isEmpty {
                perform { rules, now, actions in
                    for message in batch.messages {
                        let outcome = rules.mesh.received(message, on: link, at: now, &actions)
                        rules.take(outcome, at: now, &actions)
                    }
                }
            }
            switch batch.end {
            case .octets: return true
            case .pause: continue
            case .refusal(let reason):
                refuse(link, reason)
                return true
            }
        }
        return false
    }

    package func closed(_ link: LinkID, _ why: String?) {
        perform { rules, now, actions in
            let outcome = rules.mesh.closed(link, why, at: now, &actions)
            rules.take(outcome, at: now, &actions)
        }
    }

    package func setCongested(_ isCongested: Bool) {
        let waiters: [CheckedContinuation<Void, Never>] = congestion.withLock { state in
            state.isCongested = isCongested && !state.isStopped
            if state.isCongested { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when what was decided is done, and what waits to be sent is little enough for more.
    package func waitUntilUncongested() async {
        // Somebody else may be at it, and what he has not come to yet would not count.
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.isActing { state.decided.append(.call { continuation.resume() }) }
                return !state.isActing
            }
            if isDone { continuation.resume() }
        }
        await withCheckedContinuation { continuation in
            let isFree = congestion.withLock { state in
                if state.isCongested { state.waiters.append(continuation) }
                return !state.isCongested
            }
            if isFree { continuation.resume() }
        }
    }

    package func tick() {
        perform { rules, now, actions in rules.tick(at: now, &actions) }
    }

    // MARK: Private

    /// Takes the events out of what was decided last.
    private static func events(in decided: inout [NodeAction], from start: Int) -> [NodeEvent] {
        var events: [NodeEvent] = []
        var kept = start
        for index in start..<decided.count {
            if case .tell(let event) = decided[index] {
                events.append(event)
            } else {
                if kept != index { decided.swapAt(kept, index) }
                kept += 1
            }
        }
        decided.removeLast(decided.count - kept)
        return events
    }

    /// Messages that have come together, and why there are no more of them.
    private struct Batch {
        enum End {
            /// No other frame has come whole.
            case octets
            /// There may be more: they are many, or from the last one on frames may be read otherwise.
            case pause
            case refusal(ClosingReason)
        }

        /// From so much on, in octets when it is decompressed, messages are decided before others are looked at.
        static var bytesMax: Int { 1 << 20 }

        var messages: [PeerMessage] = []
        var end = End.octets
    }

    /// Reads what has come on `link`, as far as it can be read together.
    private func nextBatch(from frames: inout FrameReader, on link: LinkID) -> Batch {
        let (lengthMax, methods) = look { ($0.mesh.frameBytesMax(of: link), $0.mesh.inboundMethods(of: link)) }
        var batch = Batch()
        var bytes = 0
        do {
            while let payload = try frames.next(lengthMax: lengthMax) {
                guard let message = message(in: payload, methods, lengthMax) else {
                    batch.end = .refusal(.undecodable)
                    return batch
                }
                batch.messages.append(message)
                bytes += message.body.count
                if bytes > Batch.bytesMax || MeshStateMachine.mayChangeFrames(message) {
                    batch.end = .pause
                    return batch
                }
            }
        } catch {
            batch.end = .refusal(.tooLong)
        }
        return batch
    }

    private func refuse(_ link: LinkID, _ reason: ClosingReason) {
        perform { rules, now, actions in
            let outcome = rules.mesh.refuse(link, reason, at: now, &actions)
            rules.take(outcome, at: now, &actions)
        }
    }

    /// Plain frames are always taken: what a method does not decompress may be one.
    private func message(
        in payload: ArraySlice<UInt8>,
        _ methods: [CompressionMethod],
        _ lengthMax: Int
    ) -> PeerMessage? {
        for method in methods {
            if let body = compressor.decompress(payload, by: method, lengthMax: lengthMax) {
                return PeerMessage(body: body)
            }
        }
        return PeerMessage(body: Array(payload))
    }

    private func act() {
        var outgoing = Outgoing(compressor)
        while true {
            let actions: [NodeAction] = state.withLock { state in
                defer { state.decided = [] }
                if state.decided.isEmpty { state.isActing = false }
                return state.decided
            }
            if actions.isEmpty { return }
            for action in actions { act(action, &outgoing) }
            outgoing.send(over: transport)
        }
    }

    /// What is to be sent is added to `outgoing`, to be handed over together.
    private func act(_ action: NodeAction, _ outgoing: inout Outgoing) {
        switch action {
        case .dial(let link, let address): transport.dial(link, to: address)
        case .send(let link, let message, let method): outgoing.add(message, method, on: link)
        case .hurry(let link): transport.hurry(link)
        case .close(let link, _):
            outgoing.send(over: transport)
            transport.close(link)
        case .call(let body):
            // Who waits for this may look for what was sent before it.
            outgoing.send(over: transport)
            body()
        // Handed over when it was decided.
        case .tell: break
        }
    }
}
