// A registry that takes registrations as any other, and tells those who ask what the test wants them to hear.

import Synchronization
import TestSupport

/// Keeps the last record of each name, and lies about them when told to.
final class PretendRegistry: Sendable {
    /// What is told instead of the truth.
    struct Lie: Sendable {
        var contentType = "application/jwt"
        var body: [UInt8]
    }

    private final class State: Sendable {
        let records = Mutex<[String: [UInt8]]>([:])
        let lies = Mutex<[String: Lie]>([:])
        let registrations = Tally("registrations")

        func reply(to request: RecordedRequest) -> Reply {
            // It lists nobody and tells no changes, as one that is public may.
            guard request.target.hasPrefix("/peers/") else { return .response(404, reason: "Not Found") }
            let name = String(request.target.dropFirst("/peers/".count))
            switch request.method {
            case "PUT":
                records.withLock { $0[name] = request.body }
                registrations.advance()
                return .response(201, reason: "Created")
            case "DELETE": return .response(204, reason: "No Content", framing: .none)
            default:
                let truth = records.withLock { $0[name] }.map { Lie(body: $0) }
                guard let answer = lies.withLock({ $0[name] }) ?? truth else {
                    return .response(404, reason: "Not Found")
                }
                return .response(200, [("Content-Type", answer.contentType)], body: answer.body)
            }
        }
    }

    private let origin: ScriptedOrigin
    private let state = State()

    init() throws {
        origin = try ScriptedOrigin { [state] in state.reply(to: $0) }
    }

    var url: String { origin.url }

    /// The last record that `name` registered.
    func record(of name: String) -> [UInt8]? { state.records.withLock { $0[name] } }

    /// Returns once so many registrations came.
    func registrations(_ count: Int) async throws { try await state.registrations.reach(count) }

    /// From now on tells `lie` about `name`.
    func tell(_ lie: Lie, about name: String) { state.lies.withLock { $0[name] = lie } }

    func stop() { origin.stop() }
}
