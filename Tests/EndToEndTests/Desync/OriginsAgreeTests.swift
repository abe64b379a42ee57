// Odd requests through cdn to servers of every make: they see the requests that were sent to them, each once, as it was.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct OriginsAgreeTests {
    private static let isLong = ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1"

    private static func isWanted(_ make: LoggingOrigin.Make) -> Bool {
        isLong || [.nginx, .node, .python3].contains(make)
    }

    @Test(.enabled(if: LoggingOrigin.Make.nginx.isInstalled, "nginx is not installed"))
    func `nginx sees what was sent, no more and no less`() async throws { try await compare(.nginx) }

    @Test(.enabled(if: LoggingOrigin.Make.node.isInstalled, "node is not installed"))
    func `Node sees what was sent, no more and no less`() async throws { try await compare(.node) }

    @Test(.enabled(if: LoggingOrigin.Make.python3.isInstalled, "python3 is not installed"))
    func `Python sees what was sent, no more and no less`() async throws { try await compare(.python3) }

    @Test(
        .enabled(if: isLong, "with WAYSTATION_TEST_LONG=1"),
        .enabled(if: LoggingOrigin.Make.apache2.isInstalled, "apache2 is not installed")
    )
    func `Apache sees what was sent, no more and no less`() async throws { try await compare(.apache2) }

    @Test(
        .enabled(if: isLong, "with WAYSTATION_TEST_LONG=1"),
        .enabled(if: LoggingOrigin.Make.haproxy.isInstalled, "haproxy is not installed")
    )
    func `HAProxy sees what was sent, no more and no less`() async throws { try await compare(.haproxy) }

    private func compare(_ make: LoggingOrigin.Make) async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let origin = try await LoggingOrigin.start(make)
        let cdn = try await RunningCDN.start(origin.base, store: "none")
        var sent: [String] = []
        var nextID = 0
        for _ in 0..<(Self.isLong ? 1500 : 60) {
            let requests = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                nextID += 1
                return OddRequest(id: nextID, using: &generator)
            }
            sent += try await play(requests, with: cdn, seed: seed)
        }
        let seen = try await origin.requestLines(atLeast: sent.count)
        // HAProxy does not say what it did not understand.
        let named = seen.filter { $0 != "<BADREQ>" }
        #expect(seen.count == sent.count, "seed \(seed): \(make) saw \(seen.count) requests of \(sent.count)")
        let others = Set(named).subtracting(sent)
        #expect(others.isEmpty, "seed \(seed): \(make) saw what was not sent: \(others.sorted().prefix(5))")
        #expect(Set(named).count == named.count, "seed \(seed): \(make) saw a request twice")
        #expect(sent.count > nextID * 9 / 10, "seed \(seed): \(sent.count) of \(nextID) were sent")
        try await cdn.stop()
    }

    /// Sends requests over one connection and reads the answers; returns the request lines that went to the origin.
    private func play(_ requests: [OddRequest], with cdn: RunningCDN, seed: UInt64) async throws -> [String] {
        let last = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\nCache-Control: only-if-cached\r\n\r\n"
        let octets = requests.flatMap(\.octets) + last.latin1
        let (answer, end) = try await RawConnection.exchange(octets, with: cdn.base)
        let (all, left) = RawResponse.all(in: answer, to: requests.map(\.method))
        let responses = all.filter { $0.status >= 200 }
        let context: Comment =
            "seed \(seed): \(requests.map { "\($0.method) \($0.target)" }): \(responses.map(\.status))"
        #expect(end == .closed && left == 0, context)
        // What is refused ends the connection; nothing of these should be.
        #expect(responses.count == requests.count + 1 && responses.last?.status == 504, context)
        var sent: [String] = []
        for (request, response) in zip(requests, responses) {
            guard let status = response.value("Cache-Status"), status.contains("; fwd=") else {
                // Our own refusal of a path, or an OPTIONS that goes no further; nobody else may have had it.
                #expect(response.status == 400 || response.status == 204, context)
                continue
            }
            #expect(response.status != 502 && response.status != 504, context)
            sent.append("\(request.method) \(request.target) HTTP/1.1")
            // An error of the server's own may have no query in it.
            guard let query = response.value("X-Query"), !query.isEmpty else { continue }
            #expect(query.hasSuffix("id=\(request.id)"), "another's answer: \(query), \(context)")
        }
        return sent
    }
}
