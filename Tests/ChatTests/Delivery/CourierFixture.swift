// A courier among scripted peers: sealing that can be read, a transport that answers as told, a clock that is moved.

import HTTP
import PeerIdentity
import Synchronization
import TestSupport
import Testing

@testable import Chat

/// Sealing that hides nothing: the text of a body is its numbers, its receipt eight octets.
struct OpenSealing: BodySealing {
    func seal(_ envelope: ChatEnvelope, to recipient: Destination.Sealing) throws -> SealedPost {
        let numbers = envelope.messages.map { "\($0.sequence)" }.joined(separator: " ")
        return SealedPost(octets: Array("\(envelope.to) \(numbers)".utf8)) { receipt in
            receipt.count == 8 ? receipt.reduce(0) { $0 << 8 | UInt64($1) } : nil
        }
    }
}

/// Peers that are all at one place; counts who was asked for.
final class ScriptedDestinations: Destinations {
    let lookups = Mutex<[Bool]>([])
    let learned = Mutex<[[UInt8]]>([])
    let failure = Mutex<ChatError?>(nil)
    private let isPlain: Bool

    init(isPlain: Bool = false) { self.isPlain = isPlain }

    func destination(of peer: PeerIdentifier, refreshing: Bool) async throws(ChatError) -> Destination {
        lookups.withLock { $0.append(refreshing) }
        if let error = failure.withLock({ $0 }) { throw error }
        return try place(peer)
    }

    func learn(_ record: [UInt8], of peer: PeerIdentifier) async throws(ChatError) -> Destination {
        learned.withLock { $0.append(record) }
        return try place(peer)
    }

    private func place(_ peer: PeerIdentifier) throws(ChatError) -> Destination {
        guard let url = try? PeerURL("http://127.0.0.1:9/\(peer.folded)"),
            let key = PeerKey([UInt8](repeating: 1, count: 32))
        else { throw ChatError(.badAnswer, "fixture") }
        let keys = SealingKeySet(x25519: [UInt8](repeating: 9, count: 32), xWing: nil)
        return Destination(
            identifier: peer,
            url: url,
            sealing: isPlain ? nil : .init(key: key, keys: keys, suiteMin: 1)
        )
    }
}

/// Answers requests by a closure and keeps what was asked.
final class ScriptedPeers: Responder {
    let requests = Mutex<[Request]>([])
    private let answer: @Sendable (Int, String) throws -> Response

    /// `answer` is given how many requests came before, and the body.
    init(_ answer: @escaping @Sendable (Int, String) throws -> Response) { self.answer = answer }

    func respond(to request: Request) async throws -> Response {
        let index = requests.withLock { requests in
            requests.append(request)
            return requests.count - 1
        }
        return try answer(index, String(decoding: try await request.body.collect(upTo: 1 << 20), as: UTF8.self))
    }

    /// The bodies so far, as text.
    var bodies: [String] {
        get async throws {
            var bodies: [String] = []
            for request in requests.withLock({ $0 }) {
                bodies.append(String(decoding: try await request.body.collect(upTo: 1 << 20), as: UTF8.self))
            }
            return bodies
        }
    }
}

struct Away: Error {}

/// The receipt of everything in `body`.
func receipt(for body: String) -> Response {
    let number = body.split(separator: " ").last.flatMap { UInt64($0) } ?? 0
    return Response(status: 200, body: Body((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }))
}

/// A courier that runs while `body` does; time stands still but for sleeps shorter than `sleepMax`, which are over at once.
func withCourier(
    _ peers: ScriptedPeers,
    _ destinations: ScriptedDestinations = ScriptedDestinations(),
    store: MemoryChatStore = MemoryChatStore { StreamID(high: 1, low: 1) },
    configuration: CourierConfiguration = CourierConfiguration(),
    sleepMax: Duration = .seconds(12),
    _ body: @escaping @Sendable (Courier, CourierEvents) async throws -> Void
) async throws {
    let log = CourierEvents()
    let time = Mutex(Duration.zero)
    let courier = Courier(
        identifier: try PeerIdentifier("Bob"),
        store: store,
        destinations: destinations,
        transport: peers,
        sealing: OpenSealing(),
        clock: CourierClock(
            unixMilliseconds: { 1 },
            elapsed: { time.withLock { $0 } },
            sleep: { duration in
                guard duration <= sleepMax else { return try await untilCancelled() }
                time.withLock { $0 += duration }
            },
            random: { 0.5 }
        ),
        configuration: configuration,
        onEvent: log.add
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await courier.run() }
        try await body(courier, log)
        group.cancelAll()
    }
}

/// What a courier told, in order.
final class CourierEvents: Sendable {
    private let events = Mutex<[ChatEvent]>([])
    let tally = Tally("events")

    @Sendable func add(_ event: ChatEvent) {
        events.withLock { $0.append(event) }
        tally.advance()
    }

    /// Each outgoing message's number, state and reason.
    var lines: [String] {
        events.withLock { $0 }.map { event in
            guard case .outgoing(let message) = event else { return "\(event)" }
            return "\(message.message.sequence) \(message.state)" + (message.reason.map { ": \($0)" } ?? "")
        }
    }
}
