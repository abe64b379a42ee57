// Origins that cut, reset, stall or shrink: the client's transfer breaks, and nothing of it is stored as complete.

import HTTP
import HTTPClient
import TestSupport
import Testing

@Suite struct OriginFaultTests {
    /// What an origin does to the body of its first answer.
    enum Fault: String, CaseIterable, Sendable {
        case cut, reset, stall, cutChunked, shortClose

        func reply(_ request: RecordedRequest, _ file: OriginFile, _ gate: Gate) -> Reply {
            var file = file
            switch self {
            case .cut: return file.reply(to: request).cut(afterBodyOctets: 1_000_000)
            case .reset: return file.reply(to: request).reset(afterBodyOctets: 1_000_000)
            case .stall: return file.reply(to: request).stall(afterBodyOctets: 1_000_000, until: gate)
            case .cutChunked:
                file.framing = .chunked(size: 65_536)
                return file.reply(to: request).cut(afterBodyOctets: 1_000_000)
            case .shortClose: return file.reply(to: request).cut(afterBodyOctets: 1)
            }
        }
    }

    @Test(arguments: Fault.allCases, ["\"v1\"", nil])
    func `a body that breaks off at the origin breaks off at the client, and the next one is whole`(
        fault: Fault,
        etag: String?
    ) async throws {
        let medium = Medium(count: 3_000_000, seed: 3)
        let file = OriginFile(medium, etag: etag, lastModified: "Sun, 06 Nov 1994 08:49:37 GMT")
        let gate = Gate()
        // Making the octets for the first time takes longer than the origin may.
        _ = medium.octets(in: 0..<1)
        let origin = try ScriptedOrigin { request in
            request.index == 0 ? fault.reply(request, file, gate) : file.reply(to: request)
        }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start("\(origin.url)/film.mp4", store: "none", "--origin-timeout", "3s")
        try await CDNClient.run(cdn) { client async throws in
            await #expect(throws: (any Error).self) {
                let response = try await client.get()
                #expect(response.status == 200)
                _ = try await client.check(response, against: medium)
            }
            gate.open()
            let whole = try await client.get()
            #expect(whole.fields.text("Cache-Status")?.contains("; hit") == false)
            #expect(try await client.check(whole, against: medium) == medium.count)
        }
        try await cdn.stop()
    }

    @Test func `a medium that shrinks while it is read is a broken transfer, then the new one`() async throws {
        let long = OriginFile(Medium(count: 3_000_000, seed: 4), etag: "\"long\"")
        let short = OriginFile(Medium(count: 1_000_000, seed: 5), etag: "\"short\"")
        let origin = try ScriptedOrigin { request in
            request.index == 0 ? long.reply(to: request).cut(afterBodyOctets: 500_000) : short.reply(to: request)
        }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start("\(origin.url)/film.mp4", store: "none")
        try await CDNClient.run(cdn) { client async throws in
            await #expect(throws: (any Error).self) {
                _ = try await client.check(try await client.get(), against: long.medium)
            }
            #expect(try await client.check(try await client.get(), against: short.medium) == 1_000_000)
        }
        try await cdn.stop()
    }
}
