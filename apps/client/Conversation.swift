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
        await cancelWhenGracefulShutdown {
            await self.assembly.registration.firstAttempt()
            reading: while let input = await self.terminal.next() {
                switch input {
                case .line(let line) where self.terminal.isInteractive:
                    guard await self.assembly.session.perform(line) else { return }
                case .line(let line):
                    guard await self.perform(lines: line) else { break reading }
                case .pasted(let lines): await self.assembly.session.perform(pasted: lines)
                case .tooLong(let bytes, let bytesMax): await self.refuse(bytes, bytesMax)
                case .end: return
                }
            }
            guard !self.terminal.isInteractive else { return }
            let waiting = await self.assembly.courier.waitUntilSettled(within: self.assembly.options.wait)
            // Those that failed were told of, and are not sent again.
            self.undelivered.withLock { $0 = waiting.filter { $0.state == .queued } }
        }
    }

    /// Lines of a pipe that came together are taken together.
    private func perform(lines first: String) async -> Bool {
        let session = assembly.session
        let wait = assembly.options.wait
        var lines = [first]
        for input in terminal.available(Self.linesAtOnceMax - 1) {
            if case .line(let line) = input {
                lines.append(line)
                continue
            }
            guard await session.perform(lines: lines, waitingAtMost: wait) else { return false }
            lines = []
            if case .tooLong(let bytes, let bytesMax) = input { await refuse(bytes, bytesMax) }
        }
        return await session.perform(lines: lines, waitingAtMost: wait)
    }

    private func refuse(_ bytes: Int, _ bytesMax: Int) async {
        await assembly.session.refuse("a line of \(bytes) bytes is too long: at most \(bytesMax)")
    }

    private static let linesAtOnceMax = 512

    /// Throws what makes the exit code other than 0.
    func outcome() throws(ExitFailure) {
        if terminal.isInteractive {
            let waiting = assembly.courier.undelivered.filter { $0.state == .queued }
            if !waiting.isEmpty { StandardError.write("client: \(Self.names(waiting))\n") }
            return
        }
        let rest = undelivered.withLock { $0 }
        let waiting = rest.filter { $0.state == .queued }
        guard waiting.isEmpty else { throw ExitFailure(.temporary, Self.names(waiting)) }
        // The screen may not have been told of all.
        let failures = max(assembly.session.failures, rest.count - waiting.count)
        guard failures == 0 else {
            let count = Self.count(failures, "message")
            throw ExitFailure(.unavailable, "\(count) could not be delivered; see above")
        }
        guard assembly.session.refusals == 0 else {
            throw ExitFailure(
                .badInput,
                "\(Self.count(assembly.session.refusals, "line")) could not be done; see above"
            )
        }
    }

    private static func count(_ number: Int, _ what: String) -> String {
        number == 1 ? "1 \(what)" : "\(number) \(what)s"
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
            // What was not shown before comes first; meanwhile nothing is stored, so nothing is shown twice.
            UntilShutdown { [session, listener] in
                try await session.showUnshown()
                await listener.run()
            },
            RegistrationService(registration: registration),
            UntilShutdown { [registration, courier] in
                // What waits since last time must not arrive before its sender can be found: it would be unchecked.
                await registration.firstAttempt()
                await courier.run()
            },
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
