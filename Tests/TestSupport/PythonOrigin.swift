// Python's `http.server` as the origin: HTTP/1.0, no strong validator, and it does not know Range.

/// `python3 -m http.server` serving a directory on a free port of 127.0.0.1.
package final class PythonOrigin: Sendable {
    package let base: String
    private let process: RunningProcess

    private init(base: String, process: RunningProcess) {
        (self.base, self.process) = (base, process)
    }

    package static func start(serving root: String) async throws -> PythonOrigin {
        let process = try RunningProcess([
            "python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", root,
        ])
        let line = try await process.line(.output, matching: { $0.hasPrefix("Serving HTTP on") })
        guard let url = line.firstMatch(of: #/\((http:\/\/[^\/]+)\/\)/#)?.1 else {
            throw RunningProcess.Failure("no port in '\(line)'")
        }
        return PythonOrigin(base: String(url), process: process)
    }
}
