// What happens, as lines: messages, deliveries, warnings.

import PeerIdentity
import Synchronization

extension ChatSession {
    /// Shows what was stored but perhaps not shown before the client ended; to be called before it listens.
    package func showUnshown() async throws(ChatError) {
        do {
            for body in try await parts.store.unshown() {
                let name = await parts.directory.name(of: body.sender, claimed: body.from, record: nil)
                for message in body.messages {
                    await received(
                        ReceivedMessage(
                            from: VisibleText.word(name.name),
                            isChecked: name.isChecked,
                            isSealed: true,
                            text: message.text,
                            sentAtMilliseconds: message.sentAtMilliseconds
                        )
                    )
                }
                guard await parts.display.flush() else { return }
                guard let last = body.messages.last else { continue }
                try await parts.store.markShown(from: body.sender, stream: body.stream, upTo: last.sequence)
            }
        } catch {
            throw ChatError(.storeFailed, "cannot read what came before: \(error)")
        }
    }

    /// Notes that messages were shown, once they have left the process; they are shown again if that cannot be noted.
    package func noteShown(_ messages: [ShownMessages]) async {
        // What nobody could see is shown by the next client.
        guard await parts.display.flush() else { return }
        await withTaskGroup(of: Void.self) { group in
            for shown in messages {
                group.addTask { [store = parts.store] in
                    // Shown twice is better than never: a failure is told when the next message cannot be stored.
                    try? await store.markShown(from: shown.sender, stream: shown.stream, upTo: shown.upTo)
                }
            }
        }
    }

    /// Shows one message.
    package func received(_ message: ReceivedMessage) async {
        let text = VisibleText.message(message.text, for: parts.display.output)
        let from =
            message.isSealed
            ? message.from + (message.isChecked ? "" : " (unchecked)") : "(not encrypted) \(message.from)"
        await show(.message(from: from, text: text))
    }

    /// Shows what an event means to a person.
    package func follow(_ event: ChatEvent) async {
        switch event {
        case .received(let message): await received(message)
        case .missing(let from, let count):
            await show(.warning("\(count) message\(count == 1 ? "" : "s") from \(from) never came"))
        case .outgoing(let message): await follow(message)
        case .keyChanged(let peer):
            guard state.withLock({ $0.changedKeys.insert(peer).inserted }) else { return }
            await show(
                .warning(
                    "\(peer) has another key now: a new device, or somebody else. Nothing is delivered. "
                        + "Compare the words of /verify \(peer), then /trust \(peer)"
                )
            )
        case .handedOver(let peer): await show(.information("\(peer) handed the name over to a new key"))
        case .notice(let text): await show(.warning(VisibleText.word(text, charactersMax: 1_000)))
        }
    }

    private func follow(_ message: OutgoingMessage) async {
        let name = VisibleText.word(message.to.text)
        let reason = message.reason.map { VisibleText.word($0, charactersMax: 500) }
        switch message.state {
        case .queued:
            guard let reason else { return }
            // Said once, not at each attempt and for each message.
            let isNews = state.withLock { $0.reasons.updateValue(reason, forKey: message.to) != reason }
            if isNews { await show(.warning("waiting for \(name): \(reason)")) }
        case .delivered:
            state.withLock { _ = $0.reasons.removeValue(forKey: message.to) }
            await show(.delivered("delivered to \(name)\(reason.map { " (\($0))" } ?? "")"))
        case .failed:
            state.withLock { state in
                state.reasons.removeValue(forKey: message.to)
                // What the person gave up is no failure.
                if message.reason != DeliveryStateMachine.givenUp { state.failures += 1 }
            }
            await show(.failure("not delivered to \(name): \(reason ?? "no reason is known")"))
        }
    }
}

/// Times of day in lists.
enum UTCTime {
    /// `2026-11-21 08:24:46Z`.
    static func text(_ milliseconds: UInt64) -> String {
        let seconds = Int64(clamping: milliseconds / 1000)
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": civil_from_days.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(civilMonth))-\(two(day)) \(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }
}
