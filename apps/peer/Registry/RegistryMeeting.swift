// Finds the nodes of a network through a registry, and is found: beside the node, which goes on whatever becomes of it.

import Chat
import Daemon
import HTTP
import HTTPClient
import PeerIdentity
import PeerNetwork
import ServiceLifecycle
import Synchronization

/// Announces a node while it lives, watches who else is there, and has the node link to some of them.
final class RegistryMeeting: Service {
    /// What it is about.
    struct Parts: Sendable {
        var registry: PeerURL
        var place: RegistryPlace
        var name: PeerIdentifier
        var key: IdentityKey
        var address: PeerAddress
        /// So many links are enough.
        var linksMax: Int
        /// Certificates to trust the registry by.
        var caFile: String?
    }

    private let parts: Parts
    private let mesh: MeshNode
    private let printer: EventPrinter
    private let web: CurlClient
    private let client: RegistryClient
    private let registration: Registration
    private let presence: Presence
    private let rules: Rules

    /// How long after a registry has refused the name for good it is asked again.
    private static let refusedPause = Duration.seconds(60)

    /// Asks nobody before ``run()``.
    ///
    /// - Throws: What the crypto library throws if there is no randomness; ``InvalidValue`` if the address is of no use to others.
    init(_ parts: Parts, _ mesh: MeshNode, _ printer: EventPrinter) async throws {
        (self.parts, self.mesh, self.printer) = (parts, mesh, printer)
        var configuration = HTTPClientConfiguration()
        configuration.connectTimeout = .seconds(5)
        configuration.firstByteTimeout = .seconds(15)
        configuration.extraCAFile = parts.caFile
        configuration.usesHTTP2 = false
        let web = CurlClient(configuration: configuration)
        let client = RegistryClient(base: parts.registry, responder: web, clock: ContinuousClock())
        let tell: @Sendable (ChatEvent) -> Void = { event in
            if case .notice(let text) = event { printer.show { $0.add(registry: text) } }
        }
        let directory = try await Directory(
            client: client,
            store: MemoryChatStore { StreamID(high: 0, low: 0) },
            now: { WallClock.timestamp },
            onEvent: tell
        )
        // Records have keys to seal by; nobody keeps the other half of these, as a node takes no sealed messages.
        let keys = SealingKeySet(x25519: try SealingKeys().publicSet.x25519, xWing: nil)
        let url = try parts.place.url(of: parts.address)
        var times = RegistrationConfiguration()
        times.awayRemark = "links stay as they are"
        times.keyFlag = "--key"
        registration = Registration(
            of: RegisteredSelf(
                identifier: parts.name,
                identity: parts.key,
                keys: PublishedKeys(current: { keys }, nextTurn: { .latest }, turn: { _ in false }),
                url: { url }
            ),
            in: directory,
            configuration: times,
            random: { .random(in: 0..<1) },
            onEvent: tell
        )
        let rules = Rules(MeetingRules(linksMax: parts.linksMax))
        presence = Presence(client: client, random: { .random(in: 0..<1) }, onJoin: rules.forget)
        (self.web, self.client, self.rules) = (web, client, rules)
    }

    func run() async throws {
        await withTaskGroup { group in
            group.addTask { await self.runWeb() }
            group.addTask { await self.presence.run() }
            group.addTask { await self.tellWhenRegistered() }
            group.addTask { await self.meet() }
            await withGracefulShutdownHandler {
                await self.stayRegistered()
            } onGracefulShutdown: {
                self.registration.stop()
            }
            group.cancelAll()
        }
    }

    private func runWeb() async {
        do throws(HTTPClientError) {
            try await web.run()
        } catch {
            let text = "the registry cannot be asked: \(error); start again with fewer programs around"
            printer.show { $0.add(registry: text) }
        }
    }

    /// Returns when the node is to stop, and the registry knows it or was told in vain.
    private func stayRegistered() async {
        var told: String?
        while !Task.isCancelled {
            do throws(ChatError) {
                return try await registration.run()
            } catch {
                // The name is another key's: the node finds others all the same, and may have the name one day.
                if told != error.message { printer.show { $0.add(registry: error.message) } }
                told = error.message
            }
            // Cut short by the end of the node, at which `run` returns at once.
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: Self.refusedPause) }
        }
    }

    private func tellWhenRegistered() async {
        while !registration.isRegistered, !Task.isCancelled { await pause() }
        guard registration.isRegistered else { return }
        let text = "found by others as \(parts.name) at \(parts.registry)"
        printer.show { $0.add(registry: text, name: parts.name.text) }
    }

    /// Looks again and again whether there are links enough.
    private func meet() async {
        let start = ContinuousClock.now
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            let present = presence.names(beginning: parts.place.prefix, limit: 100_000).filter { $0 != parts.name }
            let now = (ContinuousClock.now - start).components.seconds
            for peer in rules.choose(present, mesh.neighbours.count, now, &generator) { await visit(peer) }
            await pause()
        }
    }

    private func visit(_ peer: PeerIdentifier) async {
        do throws(ChatError) {
            guard case .signed(let signed)? = try await client.lookUp(peer).entry,
                let address = parts.place.address(in: signed.record.url)
            else { return }
            mesh.visit(address)
        } catch {
            // It is tried again, and if the registry is away that was told already.
        }
    }

    private func pause() async {
        // Cancellation ends the loops that call.
        try? await Task.sleep(for: .milliseconds(500))
    }
}

/// The rules under a lock: names are forgotten by whoever watches the registry.
private final class Rules: Sendable {
    private let state: Mutex<MeetingRules>

    init(_ rules: MeetingRules) {
        state = Mutex(rules)
    }

    func choose(
        _ present: [PeerIdentifier],
        _ links: Int,
        _ now: Int64,
        _ generator: inout SystemRandomNumberGenerator
    ) -> [PeerIdentifier] {
        state.withLock { $0.choose(from: present, links: links, at: now, using: &generator) }
    }

    @Sendable
    func forget(_ peer: PeerIdentifier) { state.withLock { $0.forget(peer) } }
}
