// How these tests ask: a client that runs for the length of a closure, and requests in one line.

import HTTP
import HTTPClient
import TestSupport

/// Runs `body` with a running client, which is shut down and waited for at the end.
func withClient<Result: Sendable>(
    _ configuration: HTTPClientConfiguration = HTTPClientConfiguration(),
    _ body: (CurlClient) async throws -> Result
) async throws -> Result {
    let client = CurlClient(configuration: configuration)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        do {
            let result = try await body(client)
            client.shutdown()
            try await group.waitForAll()
            return result
        } catch {
            client.shutdown()
            throw error
        }
    }
}

/// The same with an origin that follows `script`, which is stopped at the end.
func withClient<Result: Sendable>(
    _ configuration: HTTPClientConfiguration = HTTPClientConfiguration(),
    asking script: @escaping ScriptedOrigin.Script,
    _ body: (CurlClient, ScriptedOrigin) async throws -> Result
) async throws -> Result {
    let origin = try ScriptedOrigin(script: script)
    defer { origin.stop() }
    return try await withClient(configuration) { client in try await body(client, origin) }
}

extension ScriptedOrigin {
    /// A request to this origin.
    func request(
        _ target: String = "/",
        method: Method = .get,
        fields: Fields = [:],
        body: Body = .empty
    ) -> Request {
        Request(method: method, authority: authority, target: Array(target.utf8), fields: fields, body: body)
    }
}

extension Body {
    /// All octets as text.
    func text() async throws -> String {
        String(decoding: try await collect(upTo: 64 << 20), as: UTF8.self)
    }
}

/// The code of the error that `body` throws, or nil if it throws none.
func code(of body: () async throws -> Void) async -> HTTPClientError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? HTTPClientError)?.code
    }
}
