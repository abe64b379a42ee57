// A registry that answers as a test says, and remembers what it was asked.

import HTTP
import PeerIdentity
import Synchronization

/// Answers requests by a closure that a test may exchange at any time.
final class ScriptedRegistry: Responder {
    typealias Script = @Sendable (Request) async throws -> Response

    /// A request as it came.
    struct Asked: Sendable {
        var method: String
        var target: String
        var fields: Fields
        var body: [UInt8]
    }

    struct Unreachable: Error {}

    private let state: Mutex<(script: Script, asked: [Asked], waiters: [(Int, CheckedContinuation<Void, Never>)])>

    init(_ script: @escaping Script = { _ in throw Unreachable() }) {
        state = Mutex((script, [], []))
    }

    func respond(to request: Request) async throws -> Response {
        let asked = Asked(
            method: request.method.rawValue,
            target: request.targetText,
            fields: request.fields,
            body: try await request.body.collect(upTo: 1 << 20)
        )
        let (script, woken) = state.withLock { state in
            state.asked.append(asked)
            let count = state.asked.count
            let woken = state.waiters.filter { $0.0 <= count }.map(\.1)
            state.waiters.removeAll { $0.0 <= count }
            return (state.script, woken)
        }
        for waiter in woken { waiter.resume() }
        return try await script(request)
    }

    /// From now on it answers so.
    func answer(_ script: @escaping Script) {
        state.withLock { $0.script = script }
    }

    /// From now on every look-up finds these records.
    func hold(_ records: SignedPeerRecord...) {
        answer { request in
            let segment = request.target.split(separator: 0x2f).last ?? []
            let asked = try PeerIdentifier(pathSegment: segment)
            let found = records.first { $0.record.identifier == asked }
            return found.map(Self.found) ?? Response(status: 404, text: "no such peer")
        }
    }

    var asked: [Asked] { state.withLock { $0.asked } }

    /// Waits until it was asked so often.
    func asked(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.asked.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    static func found(_ signed: SignedPeerRecord) -> Response {
        Response(
            status: 200,
            fields: ["Content-Type": "application/jwt", "Cache-Control": "max-age=30"],
            body: Body(signed.compact)
        )
    }

    static func plain(_ url: String) -> Response {
        Response(
            status: 200,
            fields: ["Content-Type": "text/plain; charset=utf-8", "Cache-Control": "max-age=30"],
            body: Body(url + "\n")
        )
    }
}
