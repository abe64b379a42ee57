// Brings a node's rules and the network together: one thing at a time, done in the order in which it was decided.

import Synchronization

/// A node at work.
///
/// Whoever comes first after something was decided does it, and what is decided meanwhile: so nothing is done inside the lock,
/// and nothing is overtaken.
package final class NodeDriver<Rules: NodeRules>: TransportDelegate {
    private struct State {
        var rules: Rules
        var decided: [NodeAction] = []
        var isActing = false
    }

    /// Who waits until there is less to send.
    private struct Congestion {
        var isCongested = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>
    private let congestion = Mutex(Congestion())
    private let transport: any PeerTransport
    private let compressor: any FrameCompressor
    private let now: @Sendable () -> Int64
    private let queue = EventQueue()
    private let isReading = Atomic(true)
    private let eventsMax: Int
    private let eventBytesMax: Int

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
        (self.eventsMax, self.eventBytesMax) = (eventsMax, eventBytesMax)
    }

    /// What happens, in order.
    package var events: NodeEvents {
        NodeEvents(queue: queue) { [weak self] in self?.readAgain() }
    }

    package func start() { transport.start(self) }

    /// Closes all links and ends the events.
    package func stop() {
        perform { rules, _, actions in rules.closeAll(&actions) }
        transport.stop()
        setCongested(false)
        queue.end()
    }

    /// Looks at what the rules know.
    package func look<Result>(_ body: (Rules) -> Result) -> Result { state.withLock { body($0.rules) } }

    /// Has the rules decide, and does what they decide.
    @discardableResult
    package func perform<Result>(_ body: (inout Rules, Int64, inout [NodeAction]) -> Result) -> Result {
        let time = now()
        let (result, isFirst) = state.withLock { state in
            let result = body(&state.rules, time, &state.decided)
            let isFirst = !state.isActing && !state.decided.isEmpty
            if isFirst { state.isActing = true }
            return (result, isFirst)
        }
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

    package func received(_ reader: inout LinkReader, on link: LinkID) {
        while true {
            let (lengthMax, methods) = look { ($0.mesh.frameBytesMax(of: link), $0.mesh.inboundMethods(of: link)) }
            do {
                guard let payload = try reader.frames.next(lengthMax: lengthMax) else { return }
                guard let message = message(in: payload, methods, lengthMax) else { return refuse(link, .undecodable) }
                perform { rules, now, actions in
                    let outcome = rules.mesh.received(message, on: link, at: now, &actions)
                    rules.take(outcome, at: now, &actions)
                }
            } catch {
                return refuse(link, .tooLong)
            }
        }
    }

    package func closed(_ link: LinkID, _ trouble: String?) {
        perform { rules, now, actions in
            if let trouble { actions.append(.tell(.trouble(trouble))) }
            let outcome = rules.mesh.closed(link, at: now, &actions)
            rules.take(outcome, at: now, &actions)
        }
    }

    package func setCongested(_ isCongested: Bool) {
        let waiters: [CheckedContinuation<Void, Never>] = congestion.withLock { state in
            state.isCongested = isCongested
            if isCongested { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when what waits to be sent is little enough for more.
    package func waitUntilUncongested() async {
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
        var frames = Frames(compressor)
        while true {
            let actions: [NodeAction] = state.withLock { state in
                defer { state.decided = [] }
                if state.decided.isEmpty { state.isActing = false }
                return state.decided
            }
            if actions.isEmpty { return }
            for action in actions { act(action, &frames) }
        }
    }

    private func act(_ action: NodeAction, _ frames: inout Frames) {
        switch action {
        case .dial(let link, let address): transport.dial(link, to: address)
        case .send(let link, let message, let method): transport.send(frames.frame(of: message, method), on: link)
        case .hurry(let link): transport.hurry(link)
        case .close(let link, let reason):
            transport.close(link)
            if reason != .closing, reason != .superfluous {
                queue.append(.trouble("closed a link: \(reason.rawValue)"))
            }
        case .call(let body): body()
        case .tell(let event):
            queue.append(event)
            if queue.count > eventsMax || queue.bytes > eventBytesMax,
                isReading.exchange(false, ordering: .acquiringAndReleasing)
            {
                transport.setReading(false)
            }
        }
    }

    private func readAgain() {
        guard queue.count <= eventsMax / 2, queue.bytes <= eventBytesMax / 2,
            !isReading.exchange(true, ordering: .acquiringAndReleasing)
        else { return }
        transport.setReading(true)
    }
}

/// The frames of the message that was sent last, made once for all links that want the same.
private struct Frames {
    private let compressor: any FrameCompressor
    private var id: MessageID?
    private var made: [CompressionMethod?: [UInt8]] = [:]

    init(_ compressor: any FrameCompressor) {
        self.compressor = compressor
    }

    mutating func frame(of message: PeerMessage, _ method: CompressionMethod?) -> [UInt8] {
        if id != message.id { (id, made) = (message.id, [:]) }
        if let frame = made[method] { return frame }
        // What cannot be made smaller goes as it is: plain frames are always taken.
        let payload = method.flatMap { compressor.compress(message.body, by: $0) } ?? message.body
        let frame = FrameReader.frame(payload)
        made[method] = frame
        return frame
    }
}
