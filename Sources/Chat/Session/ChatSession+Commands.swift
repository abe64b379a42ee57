// The commands that answer with a list, and those about rooms and keys.

import PeerIdentity
import Synchronization

extension ChatSession {
    func showWho() async {
        await parts.presence.waitUntilCurrent()
        let present = parts.presence.names(limit: 500)
        let pins = Dictionary(parts.directory.pins().map { ($0.identifier, $0) }) { first, _ in first }
        let lines = present.map { name in "  \(name)" + remarks(name, pins[name]) }
        let absent = pins.values.filter { !present.contains($0.identifier) && $0.identifier != identifier }
            .sorted { $0.identifier.folded < $1.identifier.folded }
            .map { "  \($0.identifier)" + remarks($0.identifier, $0) }
        var text = present.isEmpty ? "nobody is present" : "present:\n" + lines.joined(separator: "\n")
        if !parts.presence.isCurrent { text = "the registry does not tell who is present now" }
        if !absent.isEmpty { text += "\nknown, not present:\n" + absent.joined(separator: "\n") }
        await show(.information(text))
    }

    private func remarks(_ name: PeerIdentifier, _ pin: Pin?) -> String {
        var remarks: [String] = []
        if name == identifier { remarks.append("you") }
        if pin?.isVerified == true { remarks.append("verified") }
        if pin?.isBlocked == true { remarks.append("blocked") }
        if parts.directory.announcedKey(of: name) != nil { remarks.append("key changed; see /verify and /trust") }
        return remarks.isEmpty ? "" : " (\(remarks.joined(separator: ", ")))"
    }

    func showHistory(_ count: Int) async throws(ChatError) {
        let texts: [String]
        do {
            texts =
                if let written = parts.writtenHistory { try written(count) } else {
                    try await parts.store.history(limit: count, adding: []).map(text(of:))
                }
        } catch {
            throw ChatError(.storeFailed, "cannot read the history: \(error)")
        }
        guard !texts.isEmpty else { return await show(.information("nothing was said yet")) }
        await show(.information(texts.joined(separator: "\n")))
    }

    private func text(of line: HistoryLine) -> String {
        let who = line.isOutgoing ? "to \(VisibleText.word(line.peer))" : VisibleText.word(line.peer)
        let mark = line.isSealed ? "" : "(not encrypted) "
        let text = VisibleText.message(line.text, for: parts.display.output)
        return "\(UTCTime.text(line.atMilliseconds)) \(mark)\(who): \(text)"
    }

    func showOutbox() async {
        // What was refused is still of interest, what the person gave up is not.
        let waiting = parts.courier.undelivered.filter { $0.reason != DeliveryStateMachine.givenUp }
        guard !waiting.isEmpty else { return await show(.information("everything is delivered")) }
        let lines = waiting.prefix(100).map { message in
            let text = VisibleText.word(message.message.text, charactersMax: 60)
            let reason = message.reason.map { " (\(VisibleText.word($0)))" } ?? ""
            return "  \(UTCTime.text(message.message.sentAtMilliseconds)) to \(message.to): \(text)\(reason)"
        }
        let more = waiting.count > lines.count ? "\n  and \(waiting.count - lines.count) more" : ""
        let title = "not delivered yet (/drop NAME gives up):\n"
        await show(.information(title + lines.joined(separator: "\n") + more))
    }

    func drop(_ peer: PeerIdentifier) async throws(ChatError) {
        guard parts.courier.undelivered.contains(where: { $0.to == peer && $0.state == .queued }) else {
            throw ChatError(.badCommand, "nothing waits for \(peer); /outbox tells what does")
        }
        await parts.courier.giveUp(on: peer)
    }

    func verify(_ peer: PeerIdentifier) async throws(ChatError) {
        // Asks once if nothing is known yet: the words of nobody can be compared.
        if parts.directory.pin(of: peer) == nil {
            _ = try await parts.directory.destination(of: peer, refreshing: false)
        }
        guard let pin = parts.directory.pin(of: peer) else {
            throw ChatError(.unknownPeer, "\(peer) has no key, so there are no words to compare")
        }
        let announced = parts.directory.announcedKey(of: peer)
        let words = SafetyWords(
            own: (identifier: identifier, key: key),
            other: (identifier: pin.identifier, key: announced ?? pin.key)
        )
        let what = announced == nil ? "" : " (of the key that changed and is not trusted)"
        await show(
            .information("compare these words with \(peer), by voice or side by side\(what):\n\(words.text)")
        )
    }

    func showRooms() async {
        let rooms = state.withLock { $0.context.rooms.all }
        guard !rooms.isEmpty else {
            return await show(.information("there are no rooms; /room NAME a b c makes one"))
        }
        let lines = rooms.map { "  \($0.name): \($0.members.map(\.text).joined(separator: ", "))" }
        await show(.information(lines.joined(separator: "\n")))
    }

    func keep(_ room: PeerIdentifier, _ members: [PeerIdentifier]) async throws(ChatError) {
        if members.isEmpty {
            guard let held = state.withLock({ $0.context.rooms.members(of: room) }) else {
                throw ChatError(.badMessage, "there is no room \(room); /room \(room) a b c makes it")
            }
            return await show(.information("\(room): \(held.map(\.text).joined(separator: ", "))"))
        }
        try changeRooms { rooms throws(ChatError) in try rooms.keep(room, members: members) }
        await show(.information("@\(room): goes to \(members.map(\.text).joined(separator: ", "))"))
    }

    func remove(_ room: PeerIdentifier) async throws(ChatError) {
        var wasThere = false
        try changeRooms { rooms throws(ChatError) in wasThere = rooms.remove(room) }
        await show(.information(wasThere ? "\(room) is no room any more" : "there is no room \(room)"))
    }

    private func changeRooms(_ change: (inout ChatRooms) throws(ChatError) -> Void) throws(ChatError) {
        var rooms = state.withLock { $0.context.rooms }
        try change(&rooms)
        do {
            try parts.keepRooms(rooms.text)
        } catch {
            throw ChatError(.storeFailed, "cannot keep the rooms: \(error)")
        }
        state.withLock { $0.context.rooms = rooms }
    }
}
