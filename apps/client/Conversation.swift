// From the first line of input to the last: what the program waits for.

import Chat
import Daemon
import HTTP
import HTTPClient
import HTTPServer
import PeerIdentity
import ServiceLifecycle
import Synchronization
import TerminalUI

/// Takes what is typed until the person leaves or the input ends, then waits for deliveries.
final class Conversation: Service {
    private let assembly: Assembly
    private let terminal: Terminal
    private let undelivered = Mutex<[OutgoingMessage]>([])

    init(assembly: Assembly, terminal: Terminal) {
        (self.assembly, self.terminal) = (assembly, terminal)
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            try await self.assembly.session.showUnshown()
            await self.assembly.registration.firstAttempt()
            while let input = await self.terminal.next() {
                switch input {
                case .line(let line):
                    guard await self.assembly.session.perform(line) else { return }
                case .pasted(let lines): await self.assembly.session.perform(pasted: lines)
                case .tooLong(let bytes, let bytesMax):
                    await self.assembly.session.refuse("a line of \(bytes) bytes is too long: at most \(bytesMax)")
                case .end: return
                }
            }
            guard !self.terminal.isInteractive else { return }
            let rest = await self.assembly.courier.waitUntilSettled(within: self.assembly.options.wait)
            // What failed was said when it did, and is not sent again.
            self.undelivered.withLock { $0 = rest.filter { $0.state == .queued } }
        }
    }

    /// Throws what makes the exit code other than 0.
    func outcome() throws(ExitFailure) {
        if terminal.isInteractive {
            let count = assembly.courier.undelivered.count { $0.state == .queued }
            if count > 0 {
                StandardError.write("client: \(count) not delivered yet; kept, and sent when you are here again\n")
            }
            return
        }
        let waiting = undelivered.withLock { $0 }
        guard waiting.isEmpty else { throw ExitFailure(.temporary, Self.names(waiting)) }
        guard assembly.session.failures == 0 else {
            throw ExitFailure(.unavailable, "\(assembly.session.failures) messages could not be delivered; see above")
        }
        guard assembly.session.refusals == 0 else {
            throw ExitFailure(.badInput, "\(assembly.session.refusals) lines could not be understood; see above")
        }
    }

    /// How many for whom, and why.
    private static func names(_ waiting: [OutgoingMessage]) -> String {
        let byName = Dictionary(grouping: waiting, by: \.to).sorted { $0.key.folded < $1.key.folded }
        let parts = byName.prefix(20).map { name, messages in
            let reason = messages.compactMap(\.reason).last.map { " (\(VisibleText.word($0)))" } ?? ""
            return "\(messages.count) for \(VisibleText.word(name.text))\(reason)"
        }
        let more = byName.count > parts.count ? " and others" : ""
        return "not delivered yet: \(parts.joined(separator: ", "))\(more); kept, and sent at the next start"
    }
}

extension Assembly {
    /// What runs beside the conversation, in the order in which it starts; the server is last, so that it stops first.
    func services(_ server: Server) -> [any Service] {
        clients.map { UntilShutdown(body: $0.run) } + [
            UntilShutdown(body: listener.run),
            RegistrationService(registration: registration),
            UntilShutdown(body: courier.run),
            UntilShutdown(body: presence.run),
            UntilShutdown { [events, session] in await events.run(session.follow) },
            server,
        ]
    }
}

/// Something that runs until it is cancelled, as a service.
private struct UntilShutdown: Service {
    let body: @Sendable () async throws -> Void

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await body() }
    }
}

/// Registers, and at the end deregisters while the others are still there.
private struct RegistrationService: Service {
    let registration: Registration

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await registration.run()
        } onGracefulShutdown: {
            registration.stop()
        }
    }
}
