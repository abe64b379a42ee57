// The client's own HTTP listener: takes messages from whoever can reach it, and lets nobody be in another's way.

package import HTTP
import PeerIdentity
import Synchronization

/// Answers `POST` of sealed and plain messages: 200 once they are stored, and for sealed ones a ``Receipt``.
///
/// The order, so that each step is paid only by what passed the cheaper ones: size, header, budget, opening (in the
/// lane's turn), signature, the key's bucket, the name, the store. While ``run()`` does not run, nothing is stored and
/// nothing answered.
package final class ChatListener: Responder {
    /// Ours in compact form, for who sealed to an old key; nil if there is none yet.
    package typealias OwnRecord = @Sendable () async -> [UInt8]?

    let configuration: ChatListenerConfiguration
    let budget: Mutex<ListenerBudget>
    let inbox: Inbox
    let now: @Sendable () -> Timestamp
    let ownHosts: OwnHosts
    private let opener: Opener
    private let names: any SenderNames
    private let slots: OpeningSlots
    private let ownRecord: OwnRecord

    /// - Parameters:
    ///   - configuration: Where it is reached, and every bound.
    ///   - opener: Opens what is for us.
    ///   - names: Decides which name a key holds.
    ///   - store: Keeps what came.
    ///   - ownRecord: Our record now.
    ///   - now: The present.
    ///   - sink: Told what was stored, each stream in order; what it waits for, further messages wait for.
    ///   - shown: Told, after the sink was, which sealed messages those were.
    package init(
        configuration: ChatListenerConfiguration,
        opener: Opener,
        names: any SenderNames,
        store: any ChatStore,
        ownRecord: @escaping OwnRecord,
        now: @escaping @Sendable () -> Timestamp,
        sink: @escaping @Sendable (ChatEvent) async -> Void,
        shown: @escaping @Sendable ([ShownMessages]) async -> Void = { _ in }
    ) {
        (self.configuration, self.opener, self.names) = (configuration, opener, names)
        (self.ownRecord, self.now) = (ownRecord, now)
        budget = Mutex(ListenerBudget(rates: configuration.rates))
        slots = OpeningSlots(limits: configuration.opening)
        inbox = Inbox(store: store, limits: configuration.inbox, now: now, sink: sink, shown: shown)
        ownHosts = OwnHosts(configuration.hosts + [configuration.url.authority])
    }

    /// Stores what comes until the task is cancelled; to be run once, for as long as the listener answers.
    package func run() async {
        await inbox.run()
    }

    package func respond(to request: Request) async throws -> Response {
        switch request.method {
        case .get, .head: return ListenerAnswer.about
        case .post: break
        default: return refuse(request, ListenerAnswer.notAllowed)
        }
        guard isOurPath(request.target) else { return refuse(request, ListenerAnswer.notFound) }
        do {
            return try await respond(toMessage: request)
        } catch BodyError.truncated {
            return ListenerAnswer.refusal(400, "The message was cut short.")
        }
    }

    private func respond(toMessage request: Request) async throws -> Response {
        switch MessageType(of: request.fields) {
        case .sealed:
            guard let octets = try await collect(request, upTo: SealingLimits.bodyMax) else {
                return refuse(request, ListenerAnswer.tooLarge("64 KiB"))
            }
            return try await respond(toSealed: octets, of: request)
        case .plain: return try await respond(toPlain: request)
        case .other: return refuse(request, ListenerAnswer.unsupported)
        }
    }

    /// Declines a request whose body nobody reads.
    func refuse(_ request: Request, _ response: Response) -> Response {
        request.body.cancel()
        return response
    }

    /// The whole body; nil if it is too long.
    func collect(_ request: Request, upTo bytesMax: Int) async throws -> [UInt8]? {
        if let length = request.body.length, length > Int64(bytesMax) { return nil }
        do {
            return try await request.body.collect(upTo: bytesMax)
        } catch BodyError.tooLong {
            return nil
        }
    }

    private func isOurPath(_ target: [UInt8]) -> Bool {
        let base = Array(configuration.url.path.utf8)
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        guard path.starts(with: base) else { return false }
        return base.last == UInt8(ascii: "/") || path.count == base.count || path[base.count] == UInt8(ascii: "/")
    }

    private func respond(toSealed octets: [UInt8], of request: Request) async throws -> Response {
        let inspected: InspectedBody
        do {
            inspected = try opener.inspect(octets, at: now())
        } catch {
            return await answer(to: error)
        }
        let address = AddressBlock(remoteAddress: request.remoteAddress)
        let (lane, allowed) = budget.withLock { budget in
            let lane = budget.lane(connection: request.connectionID, address: address)
            return (lane, budget.beforeOpening(lane, at: now()))
        }
        if case .refused(let seconds) = allowed { return ListenerAnswer.tooMany(retryAfter: seconds) }
        switch await slots.enter(lane) {
        case .granted: break
        case .refused: return ListenerAnswer.tooMany(retryAfter: 1)
        case .cancelled: throw CancellationError()
        }
        let opened: OpenedBody
        do {
            defer { slots.leave(lane) }
            opened = try opener.open(inspected)
            try opened.checkRecord()
        } catch {
            budget.withLock { $0.failed(connection: request.connectionID) }
            return await answer(to: error)
        }
        // The encapsulated key is in it: no two bodies begin alike.
        return try await take(opened, hash: octets.prefix(64).hashValue, connection: request.connectionID)
    }

    private func answer(to error: SealingError) async -> Response {
        switch error.code {
        case .unknownKey: ListenerAnswer.unknownKey(record: await ownRecord())
        case .unknownFormat: ListenerAnswer.unsupported
        case .tooLarge: ListenerAnswer.tooLarge("64 KiB")
        default: ListenerAnswer.refusal(error.status, "The message was not taken: \(error.message).")
        }
    }

    /// What follows once it is certain who speaks.
    private func take(_ body: OpenedBody, hash: Int, connection: UInt64?) async throws -> Response {
        let (key, messages) = (body.sender, body.envelope.messages)
        let allowed = budget.withLock { budget in
            let paid = budget.verified(key, messages: messages.count, hash: hash, connection: connection, at: now())
            return paid == .allowed ? budget.begins(key) : paid
        }
        if case .refused(let seconds) = allowed { return ListenerAnswer.tooMany(retryAfter: seconds) }
        defer { budget.withLock { $0.finished(key) } }
        let name = await names.name(of: key, claimed: body.envelope.from, record: body.envelope.record)
        guard !name.isBlocked else { return ListenerAnswer.blocked }
        let incoming = IncomingBody(
            sender: key,
            from: body.envelope.from,
            stream: body.envelope.stream,
            messages: messages,
            shownAs: name.shown
        )
        do {
            let highest = try await inbox.deliver(.sealed(incoming, from: name))
            return ListenerAnswer.receipt(Receipt.make(highest: highest, key: body.receiptKey))
        } catch {
            return try answer(to: error)
        }
    }

    /// The answer to what was not stored.
    func answer(to error: InboxError) throws -> Response {
        switch error {
        case .full: ListenerAnswer.tooMany(retryAfter: 1)
        case .notStored: ListenerAnswer.notStored
        case .cancelled: throw CancellationError()
        }
    }
}
