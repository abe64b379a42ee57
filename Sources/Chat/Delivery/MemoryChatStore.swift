// Conversations kept in memory: for tests, and for a client that is to leave nothing behind.

package import PeerIdentity
import Synchronization

/// A ``ChatStore`` that lasts as long as the process; behaves as the one on disk does.
package final class MemoryChatStore: ChatStore, UnshownMessages {
    private struct Mark {
        var highest: UInt64
        /// Counts up with each use.
        var used: UInt64
    }

    private struct State {
        var streams: [PeerIdentifier: (stream: StreamID, last: UInt64)] = [:]
        var queued: [OutgoingMessage] = []
        var marks: [PeerKey: [StreamID: Mark]] = [:]
        var uses: UInt64 = 0
        var unshown: [IncomingBody] = []
        var pins: [String: [PeerIdentifier: Pin]] = [:]
        var lines: ArraySlice<HistoryLine> = []
    }

    private let state = Mutex(State())
    private let limits: ChatStoreLimits
    private let randomStream: @Sendable () -> StreamID

    /// - Parameters:
    ///   - limits: How much is kept.
    ///   - randomStream: Makes the names of streams.
    package init(limits: ChatStoreLimits = ChatStoreLimits(), randomStream: @escaping @Sendable () -> StreamID) {
        (self.limits, self.randomStream) = (limits, randomStream)
    }

    package func enqueue(_ drafts: [Draft]) async throws -> [OutgoingMessage] {
        state.withLock { state in
            var made: [OutgoingMessage] = []
            for draft in drafts {
                for to in draft.recipients {
                    var (stream, last) = state.streams[to] ?? (randomStream(), 0)
                    last += 1
                    state.streams[to] = (stream, last)
                    let message = ChatMessage(
                        sequence: last,
                        sentAtMilliseconds: draft.writtenAtMilliseconds,
                        text: draft.text
                    )
                    made.append(OutgoingMessage(to: to, message: message, stream: stream))
                    state.lines.append(
                        HistoryLine(
                            isOutgoing: true,
                            peer: to.text,
                            atMilliseconds: draft.writtenAtMilliseconds,
                            text: draft.text,
                            isSealed: true
                        )
                    )
                }
            }
            state.queued += made
            state.lines = state.lines.suffix(limits.historyLinesMax)
            return made
        }
    }

    package func outbox() async throws -> [(to: PeerIdentifier, stream: StreamID, messages: [OutgoingMessage])] {
        var byPeer: [PeerIdentifier: [OutgoingMessage]] = [:]
        for message in state.withLock({ $0.queued }) { byPeer[message.to, default: []].append(message) }
        let entries: [(to: PeerIdentifier, stream: StreamID, messages: [OutgoingMessage])] = byPeer.compactMap {
            peer,
            messages in messages.first.map { (peer, $0.stream, messages) }
        }
        return entries.sorted { $0.to.folded < $1.to.folded }
    }

    package func settle(
        _ to: PeerIdentifier,
        stream: StreamID,
        upTo sequence: UInt64,
        as settled: OutgoingMessage.State,
        reason: String?
    ) async throws {
        guard settled != .queued else { return }
        state.withLock { state in
            state.queued.removeAll { $0.to == to && $0.stream == stream && $0.message.sequence <= sequence }
        }
    }

    package func receive(_ bodies: [IncomingBody], atMilliseconds: UInt64) async throws -> [StoredBody] {
        state.withLock { state in bodies.map { receive($0, at: atMilliseconds, &state) } }
    }

    package func pins(of registry: String, changing: [Pin]) async throws -> [Pin] {
        state.withLock { state in
            for pin in changing { state.pins[registry, default: [:]][pin.identifier] = pin }
            return (state.pins[registry] ?? [:]).values.sorted { $0.identifier.folded < $1.identifier.folded }
        }
    }

    package func history(limit: Int, adding: [HistoryLine]) async throws -> [HistoryLine] {
        state.withLock { state in
            state.lines += adding
            state.lines = state.lines.suffix(limits.historyLinesMax)
            return Array(state.lines.suffix(max(0, limit)))
        }
    }

    package func unshown() async throws -> [IncomingBody] {
        state.withLock { $0.unshown }
    }

    package func markShown(from sender: PeerKey, stream: StreamID, upTo sequence: UInt64) async throws {
        state.withLock { state in
            state.unshown = state.unshown.compactMap { body in
                guard body.sender == sender, body.stream == stream else { return body }
                var rest = body
                rest.messages.removeAll { $0.sequence <= sequence }
                return rest.messages.isEmpty ? nil : rest
            }
        }
    }

    private func receive(_ body: IncomingBody, at milliseconds: UInt64, _ state: inout State) -> StoredBody {
        var marks = state.marks[body.sender] ?? [:]
        let mark = marks[body.stream]
        let fresh = StoredBody(body.messages, after: mark?.highest ?? 0)
        guard mark != nil || !fresh.new.isEmpty else { return fresh }
        if mark == nil, marks.count >= limits.streamsPerKeyMax,
            let oldest = marks.min(by: { $0.value.used < $1.value.used })
        {
            marks[oldest.key] = nil
        }
        state.uses += 1
        marks[body.stream] = Mark(highest: fresh.highest, used: state.uses)
        state.marks[body.sender] = marks
        if mark == nil { dropMarks(&state) }
        guard !fresh.new.isEmpty else { return fresh }
        var kept = body
        kept.messages = fresh.new
        state.unshown.append(kept)
        state.unshown = state.unshown.suffix(limits.unshownMax)
        for message in fresh.new {
            state.lines.append(
                HistoryLine(
                    isOutgoing: false,
                    peer: body.shownAs,
                    atMilliseconds: milliseconds,
                    text: message.text,
                    isSealed: true
                )
            )
        }
        state.lines = state.lines.suffix(limits.historyLinesMax)
        return fresh
    }

    /// Keeps the number of streams bounded, at the expense of keys that are pinned to no name.
    private func dropMarks(_ state: inout State) {
        guard state.marks.values.reduce(0, { $0 + $1.count }) > limits.streamsMax else { return }
        let pinned = Set(state.pins.values.flatMap(\.values).map(\.key))
        let all = state.marks.filter { !pinned.contains($0.key) }.flatMap { sender, marks in
            marks.map { (sender: sender, stream: $0.key, used: $0.value.used) }
        }
        guard let oldest = all.min(by: { $0.used < $1.used }) else { return }
        state.marks[oldest.sender]?[oldest.stream] = nil
        if state.marks[oldest.sender]?.isEmpty == true { state.marks[oldest.sender] = nil }
    }
}
