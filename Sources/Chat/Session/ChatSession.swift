// One person's conversation: what was typed becomes messages and answers, what happens becomes lines.

package import PeerIdentity
import Synchronization

/// Stands between a person and the parts that look up, deliver and listen.
///
/// ``perform(_:)`` takes what was typed, ``follow(_:)`` and ``received(_:)`` what happens.
package final class ChatSession: Sendable {
    /// The parts that the session speaks with.
    package struct Parts: Sendable {
        package var store: any ChatStore & UnshownMessages
        package var directory: Directory
        package var courier: Courier
        package var presence: Presence
        package var display: any ChatDisplay
        /// Keeps the rooms, in the form of ``ChatRooms/text``.
        package var keepRooms: @Sendable (String) throws -> Void
        /// Milliseconds since 1970.
        package var now: @Sendable () -> UInt64
        /// The last so many lines of a history that is kept as text; nil: the store keeps it.
        package var writtenHistory: (@Sendable (Int) throws -> [String])?

        package init(
            store: any ChatStore & UnshownMessages,
            directory: Directory,
            courier: Courier,
            presence: Presence,
            display: any ChatDisplay,
            keepRooms: @escaping @Sendable (String) throws -> Void,
            now: @escaping @Sendable () -> UInt64,
            writtenHistory: (@Sendable (Int) throws -> [String])? = nil
        ) {
            (self.store, self.directory, self.courier) = (store, directory, courier)
            (self.presence, self.display, self.keepRooms, self.now) = (presence, display, keepRooms, now)
            self.writtenHistory = writtenHistory
        }
    }

    struct State {
        var context: ChatCommandContext
        /// Why messages to a name wait, as it was said last: it is not said again.
        var reasons: [PeerIdentifier: String] = [:]
        /// Whose change of key was told: once is enough until it is trusted.
        var changedKeys: Set<PeerIdentifier> = []
        var refusals = 0
        var failures = 0
    }

    /// Typed lines that could not be done.
    package var refusals: Int { state.withLock { $0.refusals } }
    /// Messages that will not be delivered.
    package var failures: Int { state.withLock { $0.failures } }

    let identifier: PeerIdentifier
    let key: PeerKey
    let parts: Parts
    let state: Mutex<State>

    /// A session of `identifier`, who holds `key`, with the rooms that were kept.
    package init(identifier: PeerIdentifier, key: PeerKey, rooms: ChatRooms, parts: Parts) {
        (self.identifier, self.key, self.parts) = (identifier, key, parts)
        state = Mutex(State(context: ChatCommandContext(rooms: rooms)))
    }

    /// Does what a typed line means; false: the person wants to leave.
    package func perform(_ line: String) async -> Bool {
        do throws(ChatError) {
            return try await perform(ChatCommand.parse(line, in: state.withLock { $0.context }))
        } catch {
            await refuse(error.message)
            return true
        }
    }

    /// Does what lines of a pipe mean, in their order: texts one after the other are kept together, which is what makes
    /// many quick, once there is room for them.
    ///
    /// - Parameters:
    ///   - lines: What came.
    ///   - bound: How long to wait for room while nothing is delivered at all.
    /// - Returns: False if nothing more is to be read: somebody wants to leave, or there is no room.
    package func perform(lines: [String], waitingAtMost bound: Duration) async -> Bool {
        var drafts: [Draft] = []
        for line in lines {
            do throws(ChatError) {
                let command = try ChatCommand.parse(line, in: state.withLock { $0.context })
                if case .send(let text, let recipients) = command {
                    let draft = Draft(text: text, recipients: recipients, writtenAtMilliseconds: parts.now())
                    try parts.courier.check(draft)
                    state.withLock { $0.context.lastRecipients = recipients }
                    drafts.append(draft)
                    continue
                }
                guard await send(drafts, waitingAtMost: bound) else { return false }
                drafts = []
                guard try await perform(command) else { return false }
            } catch {
                guard await send(drafts, waitingAtMost: bound) else { return false }
                drafts = []
                await refuse(error.message)
            }
        }
        return await send(drafts, waitingAtMost: bound)
    }

    private func send(_ drafts: [Draft], waitingAtMost bound: Duration) async -> Bool {
        guard !drafts.isEmpty else { return true }
        let count = drafts.reduce(0) { $0 + $1.recipients.count }
        guard await parts.courier.waitForRoom(count, within: bound) else {
            await refuse(
                "too many messages wait and none is delivered: \(drafts.count) lines and all after them are not sent"
            )
            return false
        }
        do throws(ChatError) {
            try await parts.courier.send(drafts)
        } catch {
            await refuse("\(drafts.count) lines are not sent: \(error.message)")
            return true
        }
        for draft in drafts { await showSent(draft.text, to: draft.recipients) }
        return true
    }

    /// Whether `line` would be sent, and so be shown again as what was said to whom.
    package func isMessage(_ line: String) -> Bool {
        // What is wrong with it is said when it is performed.
        guard case .send? = try? ChatCommand.parse(line, in: state.withLock({ $0.context })) else { return false }
        return true
    }

    /// Sends lines that were pasted together, as one message.
    package func perform(pasted lines: [String]) async {
        do throws(ChatError) {
            _ = try await perform(ChatCommand.parse(pasted: lines, in: state.withLock { $0.context }))
        } catch {
            await refuse(error.message)
        }
    }

    /// Says that something typed cannot be done, and why.
    package func refuse(_ reason: String) async {
        state.withLock { $0.refusals += 1 }
        await show(.failure(reason))
    }

    /// Names that a person may want to write: those present, those known, rooms.
    package func names(beginning prefix: String) -> [PeerIdentifier] {
        let rooms = state.withLock { $0.context.rooms.all.map(\.name) }
        let known = parts.directory.pins().map(\.identifier)
        var seen: Set<PeerIdentifier> = [identifier]
        return (rooms + parts.presence.names(beginning: prefix, limit: 50) + known).filter { name in
            name.folded.hasPrefix(prefix.lowercased()) && seen.insert(name).inserted
        }
    }

    private func showSent(_ text: String, to recipients: [PeerIdentifier]) async {
        let names = recipients.map { VisibleText.word($0.text) }.joined(separator: ", ")
        await show(.sent(to: names, text: VisibleText.message(text, for: parts.display.output)))
    }

    func show(_ line: ChatLine) async {
        await parts.display.show(line)
    }

    private func perform(_ command: ChatCommand) async throws(ChatError) -> Bool {
        switch command {
        case .nothing: break
        case .quit: return false
        case .send(let text, let recipients):
            state.withLock { $0.context.lastRecipients = recipients }
            try await parts.courier.send(text, to: recipients)
            await showSent(text, to: recipients)
        case .help(let command): await show(.information(command?.help ?? CommandName.overview))
        case .who: await showWho()
        case .history(let count): try await showHistory(count)
        case .outbox: await showOutbox()
        case .rooms: await showRooms()
        case .verify(let peer): try await verify(peer)
        case .trust(let peer):
            try await parts.directory.trust(peer)
            state.withLock { _ = $0.changedKeys.remove(peer) }
            parts.courier.retryNow(peer)
            await show(.information("\(peer)'s new key is trusted; compare the words of /verify \(peer)"))
        case .block(let peer):
            try await parts.directory.setBlocked(true, peer)
            await show(.information("\(peer) is blocked: nothing from that key is shown; /unblock \(peer) ends it"))
        case .unblock(let peer):
            try await parts.directory.setBlocked(false, peer)
            await show(.information("\(peer) is not blocked any more"))
        case .plain(let peer):
            try parts.directory.allowPlain(peer)
            parts.courier.retryNow(peer)
            await show(.warning("messages to \(peer) may now go unencrypted, for anyone on the way to read"))
        case .drop(let peer): try await drop(peer)
        case .room(let room, let members): try await keep(room, members)
        case .removeRoom(let room): try await remove(room)
        }
        return true
    }
}
