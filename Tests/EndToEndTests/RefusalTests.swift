// Requests that are refused at the door: the origin never sees them, and the answer says who refused.

import TestSupport
import Testing

@Suite struct RefusalTests {
    @Test(.enabled(if: RunningProcess.isInstalled("curl"), "curl is not installed"))
    func `a request with a length and a transfer coding is refused, and says by whom`() async throws {
        let origin = try ScriptedOrigin(file: OriginFile(Medium(count: 1000, seed: 6)))
        defer { origin.stop() }
        let cdn = try await RunningCDN.start("\(origin.url)/film.mp4", store: "none")
        let answer = try await RunningProcess.run([
            "curl", "-s", "-i", "-m", "10", "-H", "Content-Length: 5", "-H", "Transfer-Encoding: chunked", "-d",
            "hello",
            cdn.base + "/",
        ])
        #expect(answer.output.hasPrefix("HTTP/1.1 400 "))
        for line in ["Age: 0", "Via: 1.1 waystation", "Cache-Status: waystation"] {
            #expect(
                answer.output.contains("\r\n\(line)\r\n") || answer.output.contains("\n\(line)\n"),
                "\(answer.output)"
            )
        }
        #expect(origin.requests.isEmpty)
        try await cdn.stop()
    }
}
