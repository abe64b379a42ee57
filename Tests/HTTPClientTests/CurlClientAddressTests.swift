// Which addresses are connected to, and what is told of them.

import HTTP
import HTTPClient
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct CurlClientAddressTests {
    /// A policy that keeps what it is asked.
    private final class Policy: Sendable {
        let asked = Mutex<[[UInt8]]>([])
        let refused: Mutex<[[UInt8]]>

        init(refusing refused: [[UInt8]] = []) {
            self.refused = Mutex(refused)
        }

        func allows(_ address: [UInt8]) -> Bool {
            asked.withLock { $0.append(address) }
            return refused.withLock { !$0.contains(address) }
        }
    }

    private static let loopback: [UInt8] = [127, 0, 0, 1]
    private static let loopback6: [UInt8] = [UInt8](repeating: 0, count: 15) + [1]

    private func configuration(_ policy: Policy) -> HTTPClientConfiguration {
        var configuration = HTTPClientConfiguration()
        configuration.allowsAddress = policy.allows
        return configuration
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `a refused address is not connected to, under whichever name`(host: String) async throws {
        let policy = Policy(refusing: [Self.loopback, Self.loopback6])
        try await withClient(configuration(policy), asking: { _ in .response() }) { client, origin in
            var request = origin.request()
            request.authority = "\(host):\(origin.port)"
            let error = await #expect(throws: HTTPClientError.self) { _ = try await client.respond(to: request) }
            #expect(error?.code == .addressRefused)
            #expect(error?.proxyStatusError == "destination_ip_prohibited")
            #expect(error?.message.contains("127.0.0.1") == true)
            #expect(error?.message.contains("or allow that address") == true)
            #expect(policy.asked.withLock { $0.contains(Self.loopback) })
            #expect(origin.connections.count == 0)
        }
    }

    @Test func `a host with one refused and one allowed address is reached at the allowed one`() async throws {
        let policy = Policy(refusing: [Self.loopback6])
        try await withClient(configuration(policy), asking: { _ in .response(body: [0x61]) }) { client, origin in
            var request = origin.request()
            request.authority = "localhost:\(origin.port)"
            let response = try await client.respond(to: request)
            #expect(try await response.body.text() == "a")
        }
    }

    @Test func `an allowed address that nobody listens on is no refusal`() async throws {
        let origin = try ScriptedOrigin { _ in .response() }
        let request = origin.request()
        origin.stop()
        try await withClient(configuration(Policy())) { client in
            #expect(await code { _ = try await client.respond(to: request) } == .couldNotConnect)
        }
    }

    @Test func `a kept connection is asked for again and refused when the policy is another`() async throws {
        let policy = Policy()
        try await withClient(configuration(policy), asking: { _ in .response(body: [0x61]) }) { client, origin in
            for _ in 0..<2 {
                let response = try await client.respond(to: origin.request())
                #expect(try await response.body.text() == "a")
            }
            #expect(origin.connections.count == 1)
            policy.refused.withLock { $0 = [Self.loopback] }
            #expect(await code { _ = try await client.respond(to: origin.request()) } == .addressRefused)
            #expect(origin.requests.count == 2)
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect is handed on and not followed`(status: Int) async throws {
        let policy = Policy()
        let script: ScriptedOrigin.Script = { _ in
            .raw("HTTP/1.1 \(status) Moved\r\nLocation: http://127.0.0.2:1/\r\nContent-Length: 0\r\n\r\n")
        }
        try await withClient(configuration(policy), asking: script) { client, origin in
            let response = try await client.respond(to: origin.request())
            #expect(response.status == status)
            #expect(response.fields.text("Location") == "http://127.0.0.2:1/")
            #expect(origin.requests.count == 1)
            #expect(policy.asked.withLock { Set($0) } == [Self.loopback])
        }
    }

    @Test func `each request tells between which addresses it goes`() async throws {
        let told = Mutex<[ConnectionAddresses]>([])
        var configuration = HTTPClientConfiguration()
        configuration.onConnected = { addresses in told.withLock { $0.append(addresses) } }
        try await withClient(configuration, asking: { _ in .response(body: [0x61]) }) { client, origin in
            for _ in 0..<2 {
                let response = try await client.respond(to: origin.request())
                _ = try await response.body.text()
            }
            let expected = ConnectionAddresses(
                authority: origin.authority,
                localAddress: Self.loopback,
                remoteAddress: Self.loopback
            )
            #expect(told.withLock { $0 } == [expected, expected])
        }
    }
}
