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
        /// What is decided and not done takes in memory, in octets, about.
        var decidedBytes = 0
        var isActing = false
    }

    /// So much is decided before it is done, in octets; what comes from a peer in one read may lead to much more.
    private static var decidedBytesMax: Int { 1 << 20 }
    /// After so many rounds somebody else is to do what is decided meanwhile: there may be no end of it.
    private static var roundsMax: Int { 256 }

    private let state: Mutex<State>
    private let congestion = Congestion()
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
    ///   - eventsMax: So many events may wait for a user who takes them before nothing more is taken in.
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
        intake = Intake(EventQueue(countMax: eventsMax, bytesMax: eventBytesMax), transport)
    }

    /// What happens, in order.
    package var events: NodeEvents { NodeEvents(intake: intake) }

    package func start() { transport.start(self) }

    /// Closes all links behind what was sent, and then ends the events.
    package func stop() {
        perform { rules, _, actions in
            rules.closeAll(&actions)
            // In turn, as somebody else may be at work on what was decided before.
            let end = NodeAction.call { self.end() }
            actions.append(end)
        }
    }

    private func end() {
        guard congestion.stop() else { return }
        transport.stop { [intake] in intake.queue.end() }
    }

    /// Looks at what the rules know.
    package func look<Result>(_ body: (Rules) -> Result) -> Result { state.withLock { body($0.rules) } }

    /// Has the rules decide, and does what they decide.
    @discardableResult
    package func perform<Result>(_ body: (inout Rules, Int64, inout [NodeAction]) -> Result) -> Result {
        let time = now()
        let (result, isFirst, isToBeLookedAt) = state.withLock { state in
            let before = state.decided.count
            let result = body(&state.rules, time, &state.decided)
            // At once, so that it is known how much waits.
            let events = Self.events(in: &state.decided, from: before)
            intake.queue.append(events)
            for index in before..<state.decided.count { state.decidedBytes += state.decided[index].bytes }
            let isFirst = !state.isActing && !state.decided.isEmpty
            if isFirst { state.isActing = true }
            let isAhead = !isFirst && intake.note(undoneBytes: state.decidedBytes)
            return (result, isFirst, !events.isEmpty || isAhead)
        }
        if isToBeLookedAt { intake.update() }
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
            var batch = reader.batch.take() ?? nextBatch(from: &reader.frames, on: link)
            if !batch.messages.isEmpty { decide(&batch.messages, on: link) }
            guard batch.messages.isEmpty else {
                // More frames may have come by the time that the rest is decided.
                if case .octets = batch.end { batch.end = .pause }
                reader.batch = batch
                continue
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
        congestion.set(isCongested)
    }

    /// Returns when what was decided is done, and what waits to be sent is little enough for more.
    ///
    /// Also when the task is cancelled, or after 20 s: one peer that reads slowly is not to keep a person from everything.
    package func waitUntilUncongested() async {
        // Somebody else may be at it, and what he has not come to yet would not count.
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                let isDone = !state.isActing && state.decided.isEmpty
                if !isDone { state.decided.append(.call { continuation.resume() }) }
                return isDone
            }
            if isDone { continuation.resume() }
        }
        await congestion.waitUntilFree()
    }

    package func tick() {
        congestion.tick()
        let isReading = intake.isReading
        perform { rules, now, actions in
            // Who cannot be heard is not silent.
            if !isReading { rules.mesh.excuseStrangers(at: now) }
            rules.tick(at: now, &actions)
        }
    }

    // MARK: Private

    /// Decides about the first of `messages`, as many as do not lead to too much at a time, and takes them out.
    private func decide(_ messages: inout ArraySlice<PeerMessage>, on link: LinkID) {
        perform { rules, now, actions in
            var (index, looked, bytes) = (messages.startIndex, actions.count, 0)
            while index < messages.endIndex, bytes < Self.decidedBytesMax {
                let outcome = rules.mesh.received(messages[index], on: link, at: now, &actions)
                rules.take(outcome, at: now, &actions)
                index += 1
                while looked < actions.count {
                    bytes += actions[looked].bytes
                    looked += 1
                }
            }
            messages = messages[index...]
        }
    }

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

    /// Reads what has come on `link`, as far as it can be read together.
    private func nextBatch(from frames: inout FrameReader, on link: LinkID) -> MessageBatch {
        let (lengthMax, methods) = look { ($0.mesh.frameBytesMax(of: link), $0.mesh.inboundMethods(of: link)) }
        var batch = MessageBatch()
        var bytes = 0
        do {
            while let payload = try frames.next(lengthMax: lengthMax) {
                guard let message = message(in: payload, methods, lengthMax) else {
                    batch.end = .refusal(.undecodable)
                    return batch
                }
                batch.messages.append(message)
                bytes += message.body.count
                if bytes > MessageBatch.bytesMax || MeshStateMachine.mayChangeFrames(message) {
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
        for round in 1... {
            let (actions, isAhead): ([NodeAction], Bool) = state.withLock { state in
                // Whoever decides next goes on, at a tick at the latest.
                if state.decided.isEmpty || round > Self.roundsMax {
                    state.isActing = false
                    return ([], false)
                }
                defer { (state.decided, state.decidedBytes) = ([], 0) }
                let isAhead = intake.isAhead
                intake.note(undoneBytes: 0)
                return (state.decided, isAhead)
            }
            if actions.isEmpty { return }
            for action in actions {
                act(action, &outgoing)
                if outgoing.bytes > Self.decidedBytesMax { outgoing.send(over: transport) }
            }
            outgoing.send(over: transport)
            if isAhead { intake.update() }
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
