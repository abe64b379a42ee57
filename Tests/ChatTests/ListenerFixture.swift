// A listener of Alice with Bob at her door.

import HTTP
import PeerIdentity

@testable import Chat

struct ListenerFixture: Sendable {
    struct Answer: Sendable {
        let status: Int
        let fields: Fields
        let octets: [UInt8]
    }

    private struct Names: SenderNames {
        let blocks: Bool

        func name(of key: PeerKey, claimed: PeerIdentifier, record: [UInt8]?) async -> SenderName {
            SenderName(name: claimed.text, isChecked: true, isBlocked: blocks)
        }
    }

    static let record = Array("a.record.of-alice".utf8)

    let alice: Recipient
    let bob = IdentityKey()
    let store = StubChatStore()
    let log = EventLog()
    let listener: ChatListener

    private init(url: String, blocks: Bool, configure: (inout ChatListenerConfiguration) -> Void) throws {
        alice = try Recipient()
        var configuration = ChatListenerConfiguration(url: try PeerURL(url))
        configure(&configuration)
        listener = ChatListener(
            configuration: configuration,
            opener: alice.opener,
            names: Names(blocks: blocks),
            store: store,
            ownRecord: { Self.record },
            now: { .start },
            sink: { [log] in log.append($0) }
        )
    }

    /// Runs `body` beside a listener, whose clock stands still.
    static func run(
        url: String = "http://alice.example:8081/",
        blocks: Bool = false,
        configure: (inout ChatListenerConfiguration) -> Void = { _ in },
        _ body: @Sendable (ListenerFixture) async throws -> Void
    ) async throws {
        let fixture = try ListenerFixture(url: url, blocks: blocks, configure: configure)
        try await withThrowingTaskGroup { group in
            group.addTask { await fixture.listener.run() }
            try await body(fixture)
            group.cancelAll()
        }
    }

    func seal(_ texts: [String], first: UInt64 = 1, suite: SealingSuite = .x25519) throws -> SealedBody {
        try Sealer.seal(.bob(texts, first: first), by: bob, to: alice.sealing(suite))
    }

    func ask(_ request: Request) async throws -> Answer {
        let response = try await listener.respond(to: request)
        return Answer(
            status: response.status,
            fields: response.fields,
            octets: try await response.body.collect(upTo: 1 << 20)
        )
    }

    func post(
        _ octets: [UInt8],
        type: String? = "application/vnd.waystation.sealed",
        target: String = "/",
        authority: String = "alice.example:8081",
        fields: Fields = [:],
        connection: UInt64? = 1,
        from address: String? = "192.0.2.1:40000"
    ) async throws -> Answer {
        var request = Request(method: .post, authority: authority, target: Array(target.utf8), fields: fields)
        if let type { request.fields.append("Content-Type", type) }
        request.body = Body(octets)
        (request.connectionID, request.remoteAddress) = (connection, address)
        return try await ask(request)
    }
}
