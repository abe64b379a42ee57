// Asks a running cdn by the package's own client, which checks framing as strictly as any.

import HTTP
import HTTPClient
import TestSupport

/// A client of one cdn.
struct CDNClient: Sendable {
    private let client: CurlClient
    private let authority: String

    /// Runs `body` with a client of `cdn`.
    static func run(
        _ cdn: RunningCDN,
        _ body: @escaping @Sendable (CDNClient) async throws -> Void
    ) async throws {
        var configuration = HTTPClientConfiguration()
        configuration.connectionsPerHostMax = 256
        let client = CurlClient(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            try await body(CDNClient(client: client, authority: String(cdn.base.dropFirst("http://".count))))
            client.shutdown()
            try await group.waitForAll()
        }
    }

    /// The answer to a GET, its body perhaps still on its way.
    func get(_ target: String = "/", range: Range<Int64>? = nil, _ more: Fields = [:]) async throws -> Response {
        var fields = more
        if let range { fields.append("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)") }
        return try await client.respond(to: Request(authority: authority, target: Array(target.utf8), fields: fields))
    }

    /// Reads `response` to its end and compares it with `medium` from `offset`; returns how many octets came.
    ///
    /// `progress` is told how many came each time.
    func check(
        _ response: Response,
        against medium: Medium,
        from offset: Int64 = 0,
        _ progress: @Sendable (Int64) -> Void = { _ in }
    ) async throws -> Int64 {
        switch response.body.content {
        case .none: return 0
        case .bytes(let bytes):
            guard medium.matches(bytes, at: offset) else { throw OtherOctets(offset: offset) }
            return Int64(bytes.count)
        case .file(let region): return Int64(region.count)
        case .stream(let source):
            var position = offset
            while let chunk = try await source.next() {
                guard case .bytes(let bytes) = chunk, medium.matches(bytes, at: position) else {
                    throw OtherOctets(offset: position)
                }
                position += Int64(bytes.count)
                progress(Int64(bytes.count))
            }
            return position - offset
        }
    }

    /// Octets that are not the medium's.
    struct OtherOctets: Error {
        let offset: Int64
    }
}
