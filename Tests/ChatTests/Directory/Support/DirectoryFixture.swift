// A directory over a scripted registry, virtual time and a store in memory.

import Chat
import HTTP
import PeerIdentity
import Synchronization

/// What a test of the directory needs.
struct DirectoryFixture {
    /// Events in the order in which they were told.
    final class Told: Sendable {
        private let state = Mutex<[ChatEvent]>([])

        var events: [ChatEvent] { state.withLock { $0 } }
        var notices: [String] {
            events.compactMap { if case .notice(let text) = $0 { text } else { nil } }
        }

        func append(_ event: ChatEvent) { state.withLock { $0.append(event) } }
    }

    let clock: DirectoryTestClock
    let registry: ScriptedRegistry
    let store: PinStore
    let told = Told()
    let client: RegistryClient
    let directory: Directory

    init(
        clock: DirectoryTestClock = DirectoryTestClock(),
        registry: ScriptedRegistry = ScriptedRegistry(),
        store: PinStore = PinStore(),
        configuration: DirectoryConfiguration = DirectoryConfiguration()
    ) async throws {
        (self.clock, self.registry, self.store) = (clock, registry, store)
        client = RegistryClient(
            base: try PeerURL(DirectoryFixture.base),
            responder: registry,
            clock: clock,
            configuration: DirectoryFixture.clientConfiguration
        )
        directory = try await Directory(
            client: client,
            store: store,
            configuration: configuration,
            now: { clock.timestamp },
            onEvent: { [told] in told.append($0) }
        )
    }

    static let base = "http://registry.test/sub/"

    /// Limits that no other wait has, so that a test can tell them apart.
    static var clientConfiguration: RegistryClientConfiguration {
        var configuration = RegistryClientConfiguration()
        configuration.answerTimeout = .seconds(7)
        configuration.silenceTimeout = .seconds(61)
        return configuration
    }

    var now: Timestamp { clock.timestamp }

    /// The code of the error that asking for `peer` ends in.
    func code(of peer: PeerIdentifier, refreshing: Bool = false) async -> ChatError.Code? {
        do throws(ChatError) {
            _ = try await directory.destination(of: peer, refreshing: refreshing)
            return nil
        } catch {
            return error.code
        }
    }
}
