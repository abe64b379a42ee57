// Tasks on libcurl's thread: where they run, and what becomes of them when it has ended.

import HTTP
import HTTPClient
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite(.timeLimit(.minutes(5))) struct CurlLoopExecutorTests {
    private func thread(on client: CurlClient) async -> UInt {
        await withTaskExecutorPreference(client.executor) { await here() }
    }

    private nonisolated func here() async -> UInt { UInt(pthread_self()) }

    @Test func `tasks run on one thread before and after they have waited for an answer`() async throws {
        try await withClient(asking: { _ in .response(body: [1]) }) { client, origin in
            let first = await thread(on: client)
            let second = try await withTaskExecutorPreference(client.executor) {
                let before = await here()
                _ = try await client.respond(to: origin.request())
                #expect(await here() == before)
                return before
            }
            #expect(first == second)
        }
    }

    @Test func `what is to run once the client has ended runs elsewhere`() async throws {
        let client = CurlClient()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await client.run() }
            _ = await thread(on: client)
            client.shutdown()
        }
        _ = await thread(on: client)
    }
}
