// What happens while nobody may wait: kept in order until the screen has taken it.

import Chat

/// A bounded queue of events; where too many wait, the oldest go, as they only say how something is getting on.
final class EventQueue: Sendable {
    private let stream: AsyncStream<ChatEvent>
    private let continuation: AsyncStream<ChatEvent>.Continuation

    init(eventsMax: Int = 16_384) {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(eventsMax))
    }

    @Sendable
    func add(_ event: ChatEvent) {
        continuation.yield(event)
    }

    /// Hands each event to `body` until the task is cancelled, then those that still wait.
    func run(_ body: @Sendable (ChatEvent) async -> Void) async {
        for await event in stream { await body(event) }
    }
}
