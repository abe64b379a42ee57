// Puts identity, store, registry, courier, listener and terminal together.

import Chat
import ChatSQLite
import Daemon
import Glibc
import HTTP
import HTTPClient
import HTTPServer
import Logging
import PeerIdentity
import TerminalUI

/// The parts of a running client.
struct Assembly {
    let options: ClientOptions
    let logger: Logger
    let place: Place
    let session: ChatSession
    let courier: Courier
    let registration: Registration
    let presence: Presence
    let listener: ChatListener
    let store: SQLiteChatStore
    /// Those that ask the registry, and peers.
    let clients: [CurlClient]
    /// What happened, for the screen.
    let events: EventQueue

    /// Opens what is kept and connects the parts; asks nobody yet.
    init(
        _ options: ClientOptions,
        state: StateDirectory,
        terminal: Terminal,
        place: Place,
        logger: Logger
    ) async throws {
        (self.options, self.logger, self.place) = (options, logger, place)
        let identity = try StateDirectory.identity(in: options.identityFile ?? state.path + "/identity")
        let events = EventQueue()
        // They turn a little before the hour at whose end the record is renewed: one registration for both.
        var turning = SealingKeyRing.Configuration()
        turning.lifetimeSeconds = 3_300
        let ring = try SealingKeyRing(at: WallClock.now(), configuration: turning)
        store = try SQLiteChatStore(
            path: state.path + "/" + StateDirectory.conversations(at: options.registry),
            history: options.history.stored
        ) { StreamID(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max)) }

        let askingRegistry = Self.client(options) { $0.onConnected = place.learn(registry:) }
        let posting = Self.client(options) {
            $0.allowsAddress = place.guardian.allows(octets:)
            // Messages have numbers, and a connection that delivered one has its own lane at the recipient.
            $0.keepsConnectionsForAll = true
        }
        clients = [askingRegistry, posting]
        let registryClient = RegistryClient(base: options.registry, responder: askingRegistry, clock: ContinuousClock())
        var configuration = DirectoryConfiguration()
        configuration.allowsPlain = options.sendsPlain
        let directory = try await Directory(
            client: registryClient,
            store: store,
            configuration: configuration,
            now: WallClock.now,
            onEvent: events.add
        )
        var times = RegistrationConfiguration()
        times.ttlSeconds = options.ttlSeconds
        let registration = Registration(
            of: RegisteredSelf(
                identifier: options.name,
                identity: identity,
                keys: PublishedKeys(
                    current: { ring.publicSet },
                    nextTurn: { ring.nextTurn },
                    turn: { try ring.turn(at: $0) != nil }
                ),
                url: { place.url },
                likelyURL: { place.likelyURL(last: directory.pin(of: options.name)?.record?.record.url) }
            ),
            in: directory,
            configuration: times,
            random: Self.random,
            onEvent: events.add
        )
        let courier = Courier(
            identifier: options.name,
            store: store,
            destinations: directory,
            transport: posting,
            sealing: IdentitySealing(identity: identity),
            record: { registration.record?.compact },
            clock: CourierClock(
                unixMilliseconds: WallClock.milliseconds,
                elapsed: WallClock.elapsed,
                sleep: { try await Task.sleep(for: $0) },
                random: Self.random
            ),
            onEvent: events.add
        )
        let presence = Presence(
            client: registryClient,
            random: Self.random,
            onJoin: { peer in
                directory.forget(peer)
                courier.retryNow(peer)
            }
        )
        (self.courier, self.registration, self.presence, self.events) = (courier, registration, presence, events)
        let roomsFile = state.path + "/rooms"
        let file = try options.history.file.map { path throws(ExitFailure) in try HistoryFile(path) }
        let shown = ClientDisplay(terminal: terminal)
        session = ChatSession(
            identifier: options.name,
            key: identity.publicKey,
            rooms: ChatRooms(parsing: Self.text(of: roomsFile)),
            parts: ChatSession.Parts(
                store: store,
                directory: directory,
                courier: courier,
                presence: presence,
                display: file.map { WrittenHistory(shownBy: shown, now: WallClock.milliseconds, append: $0.append) }
                    ?? shown,
                keepRooms: { try SystemFile.replace(roomsFile, with: Array($0.utf8)) },
                now: WallClock.milliseconds,
                writtenHistory: file.map { $0.last }
            )
        )
        listener = ChatListener(
            configuration: ChatListenerConfiguration(url: place.listenerURL, hosts: [place.hostName]),
            opener: Opener(identifier: options.name, key: identity.publicKey, ring: ring),
            names: directory,
            store: store,
            ownRecord: { registration.record?.compact },
            now: WallClock.now,
            sink: session.follow,
            shown: session.noteShown
        )
    }

    private static func client(
        _ options: ClientOptions,
        _ change: (inout HTTPClientConfiguration) -> Void
    ) -> CurlClient {
        var configuration = HTTPClientConfiguration()
        configuration.connectTimeout = .seconds(5)
        configuration.firstByteTimeout = .seconds(15)
        configuration.extraCAFile = options.caFile
        configuration.usesHTTP2 = false
        change(&configuration)
        return CurlClient(configuration: configuration)
    }

    private static func text(of file: String) -> String {
        // Rooms that cannot be read are none.
        let octets = try? SystemFile.octets(of: file, octetsMax: 1 << 20) { ExitFailure(.inputOutput, "errno \($0)") }
        return String(decoding: octets ?? [], as: UTF8.self)
    }

    @Sendable
    private static func random() -> Double { .random(in: 0..<1) }
}

/// Seals as the holder of an identity.
private struct IdentitySealing: BodySealing {
    let identity: IdentityKey

    func seal(_ envelope: ChatEnvelope, to recipient: Destination.Sealing) throws -> SealedPost {
        let body = try Sealer.seal(envelope, by: identity, to: recipient)
        return SealedPost(octets: body.octets) { Receipt.highest(in: $0, key: body.receiptKey) }
    }
}

extension ClientOptions.History {
    /// What the store keeps.
    fileprivate var stored: SQLiteChatStore.History {
        switch self {
        case .standard: .kept
        case .file: .elsewhere
        case .none: .none
        }
    }

    fileprivate var file: String? { if case .file(let path) = self { path } else { nil } }
}
