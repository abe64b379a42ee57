// Measures the origin: how often it is asked, how long until it answers, and how often it fails.

import Daemon
import HTTP
import Synchronization

/// A responder that counts what goes through it; in front of the client, behind the cache.
final class OriginMeter: Responder {
    /// From the question to the head of the answer.
    let firstOctet = MetricHistogram()
    /// Requests that wait for a head now.
    let waiting = Atomic<Int>(0)
    let requests = Atomic<Int>(0)
    let failures = Atomic<Int>(0)
    private let origin: any Responder
    private let clock = ContinuousClock()

    init(_ origin: any Responder) {
        self.origin = origin
    }

    func respond(to request: Request) async throws -> Response {
        requests.add(1, ordering: .relaxed)
        waiting.add(1, ordering: .relaxed)
        defer { waiting.subtract(1, ordering: .relaxed) }
        let start = clock.now
        do {
            let response = try await origin.respond(to: request)
            firstOctet.observe(clock.now - start)
            return response
        } catch {
            // Who gave up waiting says nothing about the origin.
            if !Task.isCancelled { failures.add(1, ordering: .relaxed) }
            throw error
        }
    }
}
