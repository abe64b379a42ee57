// An origin in memory: a closure that answers, and a record of what was asked.

import HTTP
import Synchronization

/// Answers by a closure and remembers each request.
final class StubOrigin: Responder {
    typealias Answer = @Sendable (Request) async throws -> Response

    private let state: Mutex<(answer: Answer, requests: [Request])>

    init(_ answer: @escaping Answer) {
        state = Mutex((answer, []))
    }

    var requests: [Request] { state.withLock { $0.requests } }

    func serve(_ answer: @escaping Answer) {
        state.withLock { $0.answer = answer }
    }

    func respond(to request: Request) async throws -> Response {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answer
        }
        return try await answer(request)
    }
}

/// A medium of known octets, served with ranges, validators and conditions as a good origin does.
struct StubMedium: Sendable {
    let octets: [UInt8]
    var etag: String? = "\"v1\""
    var fields: Fields = ["Cache-Control": "max-age=60", "Content-Type": "video/mp4"]
    var servesRanges = true

    init(count: Int, seed: UInt8 = 1) {
        octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ ($0 >> 8) &* 7) &+ seed }
    }

    func respond(to request: Request) -> Response {
        var fields = fields
        if let etag { fields.append("ETag", etag) }
        if let etag, request.fields.text(.ifNoneMatch) == etag {
            return Response(status: 304, fields: fields, body: Body(length: nil, content: .none))
        }
        let isWanted = request.fields.text(.ifRange).map { $0 == etag } ?? true
        guard servesRanges, isWanted, let spec = ByteRange.parse(request.fields, specsMax: 1)?.first else {
            return Response(status: 200, fields: fields, body: Body(octets))
        }
        guard let range = spec.resolve(length: Int64(octets.count)) else {
            return Response(status: 416, fields: ["Content-Range": "bytes */\(octets.count)"])
        }
        fields.append("Content-Range", ContentRange(range: range, completeLength: Int64(octets.count)).text)
        return Response(
            status: 206,
            fields: fields,
            body: Body(Array(octets[Int(range.lowerBound)..<Int(range.upperBound)]))
        )
    }
}

/// A body that the test feeds by hand.
final class FedBody: BodySource {
    private struct State {
        var chunks: [BodyChunk] = []
        var end: Result<Void, any Error>?
        var waiter: CheckedContinuation<Void, Never>?
        var isCancelled = false
        var pulls = 0
    }

    private let state = Mutex(State())
    let cancelled = Signal()

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// How often somebody has asked for more.
    var pulls: Int { state.withLock { $0.pulls } }

    func feed(_ bytes: [UInt8]) {
        wake { $0.chunks.append(.bytes(bytes[...])) }
    }

    func finish() {
        wake { $0.end = .success(()) }
    }

    func fail(_ error: any Error) {
        wake { $0.end = .failure(error) }
    }

    func next() async throws -> BodyChunk? {
        state.withLock { $0.pulls += 1 }
        while true {
            if let chunk = state.withLock({ $0.chunks.isEmpty ? nil : $0.chunks.removeFirst() }) { return chunk }
            if let end = state.withLock({ $0.end }) {
                try end.get()
                return nil
            }
            if state.withLock({ $0.isCancelled }) { throw BodyError.cancelled }
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if !state.chunks.isEmpty || state.end != nil || state.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    func cancel() {
        wake { $0.isCancelled = true }
        cancelled.fire()
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}

/// Something that happens once and may be waited for.
final class Signal: Sendable {
    private let state = Mutex<(isFired: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    var isFired: Bool { state.withLock { $0.isFired } }

    func fire() {
        let waiters = state.withLock { state in
            state.isFired = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isFired = state.withLock { state in
                if !state.isFired { state.waiters.append(continuation) }
                return state.isFired
            }
            if isFired { continuation.resume() }
        }
    }
}
