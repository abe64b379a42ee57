// The stream of joins and leaves at a registry.

import HTTP
import JSON
import PeerIdentity

/// How a watch of `/changes` ended, if not by an error.
package enum ChangesEnd: Sendable, Hashable {
    /// The stream was cut: to be resumed.
    case cut
    /// 410: the registry no longer holds what came after the revision asked for.
    case gone
    /// The registry tells no changes (`--public`).
    case refused
}

extension RegistryClient {
    /// Follows the joins, leaves and expiries after `revision`, handing each to `receive` until the stream ends.
    ///
    /// - Parameters:
    ///   - revision: The last change known; nil: from now on.
    ///   - onOpen: Called once, when the registry has said after which revision it tells; nothing is read meanwhile.
    ///   - receive: Called with each change, in order; must not block.
    /// - Returns: How the stream ended.
    /// - Throws: ``ChatError``: `registryAway` if it could not be begun, `badAnswer`; on cancellation `registryAway`.
    package func watch(
        since revision: UInt64?,
        onOpen: @Sendable (UInt64) async throws(ChatError) -> Void = { (_) throws(ChatError) in },
        receive: @Sendable (PresenceChange) -> Void
    ) async throws(ChatError) -> ChangesEnd {
        let since = revision.map { "since=\($0)&" } ?? ""
        let target = "/changes?\(since)kinds=join,leave,expire"
        let request = request(.get, target, ["Accept": "text/event-stream"])
        let response: Response?
        do {
            response = try await within(configuration.answerTimeout, clock) { [responder] in
                try await responder.respond(to: request)
            }
        } catch {
            throw away("\(error)")
        }
        guard let response else { throw away("it does not answer in time") }
        switch response.status {
        case 200: break
        case 410:
            response.body.cancel()
            return .gone
        case 401, 403, 404, 405:
            response.body.cancel()
            return .refused
        default:
            response.body.cancel()
            throw unexpected(Reply(status: response.status, fields: response.fields, octets: []), "tell its changes")
        }
        return try await read(response.body, onOpen, receive)
    }

    private func read(
        _ body: Body,
        _ onOpen: @Sendable (UInt64) async throws(ChatError) -> Void,
        _ receive: @Sendable (PresenceChange) -> Void
    ) async throws(ChatError) -> ChangesEnd {
        defer { body.cancel() }
        var parser = EventStreamParser(limits: configuration.eventLimits)
        var isOpen = false
        switch body.content {
        case .none, .file: return .cut
        case .bytes(let octets):
            try await hand(on: octets, &parser, &isOpen, onOpen, receive)
            return .cut
        case .stream(let source):
            while true {
                let chunk: BodyChunk?
                do {
                    // Nil at the end as well as after too long a silence: the stream is begun anew either way.
                    chunk = try await within(configuration.silenceTimeout, clock) { try await source.next() } ?? nil
                } catch {
                    if Task.isCancelled { throw away("the watch was given up") }
                    return .cut
                }
                guard case .bytes(let octets)? = chunk else { return .cut }
                try await hand(on: octets, &parser, &isOpen, onOpen, receive)
            }
        }
    }

    private func hand(
        on octets: ArraySlice<UInt8>,
        _ parser: inout EventStreamParser,
        _ isOpen: inout Bool,
        _ onOpen: @Sendable (UInt64) async throws(ChatError) -> Void,
        _ receive: @Sendable (PresenceChange) -> Void
    ) async throws(ChatError) {
        let events: [ServerSentEvent]
        do throws(EventStreamParser.LimitExceeded) {
            events = try parser.parse(octets)
        } catch {
            throw badAnswer("a change that it tells is longer than allowed")
        }
        if !isOpen, let revision = UInt64(parser.lastID) {
            isOpen = true
            // A registry that begins with a change and not with its revision: that change is still to come.
            let first = events.first.flatMap(RegistryClient.change)?.revision
            try await onOpen(first.map { max($0, 1) - 1 } ?? revision)
        }
        for event in events {
            if let change = RegistryClient.change(event) { receive(change) }
        }
    }

    /// Reads one event; nil for what is not a change as this version knows them.
    static func change(_ event: ServerSentEvent) -> PresenceChange? {
        // What cannot be read is of a newer kind, and is passed over.
        guard let kind = PresenceChange.Kind(rawValue: event.name), let revision = UInt64(event.id),
            let value = try? JSONValue(parsing: Array(event.data.utf8)),
            let text = value["id"]?.stringValue, let identifier = try? PeerIdentifier(text)
        else { return nil }
        return PresenceChange(revision: revision, kind: kind, identifier: identifier)
    }
}
