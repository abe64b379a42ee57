// One attempt: look up, seal, post, judge the answer.

import HTTP
import PeerIdentity

extension Courier {
    /// Tries to deliver one body, within the time for that.
    func outcome(of attempt: DeliveryAttempt) async -> DeliveryOutcome {
        let outcome = await withTaskGroup(of: DeliveryOutcome?.self) { group in
            group.addTask { await self.deliver(attempt) }
            group.addTask { [clock, configuration] in
                // A throw means that the other child was first, or that the courier stops.
                try? await clock.sleep(configuration.attemptTimeout)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if Task.isCancelled, !(outcome?.isDelivered ?? false) { return .abandoned }
        return outcome ?? .later("\(attempt.to) does not answer; will retry", after: nil)
    }

    private func deliver(_ attempt: DeliveryAttempt) async -> DeliveryOutcome {
        let destination: Destination
        do throws(ChatError) {
            destination = try await self.destination(for: attempt)
        } catch {
            return DeliveryOutcome(error, of: attempt.to)
        }
        guard let keys = destination.sealing else {
            return await postPlain(attempt.messages[0], to: destination)
        }
        let envelope = ChatEnvelope(
            from: identifier,
            to: attempt.to,
            stream: attempt.stream,
            record: attempt.introduces ? record() : nil,
            messages: attempt.messages
        )
        let post: SealedPost
        do {
            post = try sealing.seal(envelope, to: keys)
        } catch {
            return .later("\(attempt.to) has keys that nothing can be sealed to; will retry", after: nil)
        }
        return await postSealed(post, attempt, to: destination)
    }

    private func destination(for attempt: DeliveryAttempt) async throws(ChatError) -> Destination {
        switch attempt.preparation {
        case .remembered: return try await destinations.destination(of: attempt.to, refreshing: false)
        case .learned(let record): return try await destinations.learn(record, of: attempt.to)
        case .refreshed:
            do {
                return try await destinations.destination(of: attempt.to, refreshing: true)
            } catch  where error.code == .registryAway {
                // What is remembered may still serve.
                return try await destinations.destination(of: attempt.to, refreshing: false)
            }
        }
    }

    private func postSealed(
        _ post: SealedPost,
        _ attempt: DeliveryAttempt,
        to destination: Destination
    ) async -> DeliveryOutcome {
        let peer = attempt.to
        do {
            let response = try await transport.respond(
                to: Self.request(to: destination.url, "application/vnd.waystation.sealed", post.octets)
            )
            switch response.status {
            case 200:
                guard let number = post.receiptNumber(try await response.body.collect(upTo: Self.receiptBytes)) else {
                    return .later("what answers at the address of \(peer) is not \(peer); will retry", after: nil)
                }
                return .delivered(upTo: number, note: nil)
            case 409:
                return .keyUnknown(record: try await response.body.collect(upTo: configuration.answerBytesMax))
            default:
                response.body.cancel()
                return DeliveryOutcome(unacknowledged: response, by: peer)
            }
        } catch BodyError.tooLong {
            return .later("what answers at the address of \(peer) is not \(peer); will retry", after: nil)
        } catch {
            return .later("\(peer) is away; will retry", after: nil)
        }
    }

    private func postPlain(_ message: ChatMessage, to destination: Destination) async -> DeliveryOutcome {
        let peer = destination.identifier
        do {
            let response = try await transport.respond(
                to: Self.request(to: destination.url, "text/plain; charset=utf-8", Array(message.text.utf8))
            )
            response.body.cancel()
            if (200..<300).contains(response.status) {
                return .delivered(upTo: message.sequence, note: "sent (not encrypted)")
            }
            return DeliveryOutcome(unacknowledged: response, by: peer)
        } catch {
            return .later("\(peer) is away; will retry", after: nil)
        }
    }

    private static let receiptBytes = 40

    private static func request(to url: PeerURL, _ type: String, _ octets: [UInt8]) -> Request {
        Request(
            method: .post,
            scheme: url.scheme,
            authority: url.authority,
            target: Array(url.path.utf8),
            fields: ["Content-Type": type],
            body: Body(octets)
        )
    }
}

extension DeliveryOutcome {
    var isDelivered: Bool {
        guard case .delivered = self else { return false }
        return true
    }

    /// What it means that there is no destination.
    init(_ error: ChatError, of peer: PeerIdentifier) {
        self =
            switch error.code {
            case .unknownPeer: .slow("\(error.message); will retry")
            case .keyChanged: .needsPerson(error.message, keyChanged: true)
            case .plainOnly: .needsPerson(error.message, keyChanged: false)
            case .registryAway, .nameTaken, .badAnswer, .peerAway, .notOpened, .badMessage, .badCommand,
                .storeFailed:
                .later(error.message, after: nil)
            }
    }

    /// What an answer other than an acknowledgement means.
    init(unacknowledged response: Response, by peer: PeerIdentifier) {
        self =
            switch response.status {
            case 400: .refused("\(peer) does not understand it", isOfSender: false)
            case 403: .refused("\(peer) does not take messages from you", isOfSender: true)
            case 413: .refused("it is too long for \(peer)", isOfSender: false)
            case 415: .slow("the client of \(peer) does not know this way of sealing; will retry")
            case 429, 503: .busy("\(peer) is busy; will retry", after: Self.retryAfter(response))
            case 200..<300: .later("what answers at the address of \(peer) is not \(peer); will retry", after: nil)
            default: .later("\(peer) answers with status \(response.status); will retry", after: nil)
            }
    }

    /// Retry-After in seconds (RFC 9110 section 10.2.3); nil if it is a date or nonsense: the back-off decides.
    private static func retryAfter(_ response: Response) -> Duration? {
        guard let text = response.fields.text("Retry-After"), (1...9).contains(text.utf8.count) else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text).map { .seconds($0) }
    }
}
