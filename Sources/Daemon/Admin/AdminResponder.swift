// What a program tells those who run it: whether it is well, and its figures; for a listener of its own.

package import HTTP

/// Answers `GET /health`, `GET /metrics` and a program's own pages; anything else is 404, another method 405.
///
/// It tells nothing of peers or requests, but is for a listener that only operators reach nevertheless.
package struct AdminResponder: Responder {
    private let metrics: [Metric]
    private let checks: [HealthCheck]
    private let pages: [AdminPage]
    private let timeout: Duration

    /// - Parameters:
    ///   - metrics: What `/metrics` shows, in that order.
    ///   - checks: What `/health` asks, all at a time.
    ///   - pages: What else there is.
    ///   - timeout: How long a check may take before it counts as failed; default 2 s.
    package init(
        metrics: [Metric],
        checks: [HealthCheck] = [],
        pages: [AdminPage] = [],
        timeout: Duration = .seconds(2)
    ) {
        self.metrics = metrics
        self.checks = checks
        self.pages = pages
        self.timeout = timeout
    }

    package func respond(to request: Request) async -> Response {
        let path = String(decoding: request.target.prefix { $0 != 0x3f }, as: UTF8.self)
        let page = pages.first { $0.path == path }
        guard page != nil || path == "/health" || path == "/metrics" else {
            let all = (["/health", "/metrics"] + pages.map(\.path)).joined(separator: ", ")
            return Response(status: 404, text: "404 Not Found: there are \(all)")
        }
        guard request.method == .get || request.method == .head else {
            let body = Body("405 Method Not Allowed: GET shows it\n")
            return Response(status: 405, fields: ["Content-Type": "text/plain", "Allow": "GET, HEAD"], body: body)
        }
        if let page { return answer(page.contentType, page.text()) }
        return path == "/health" ? await health() : answer(MetricsText.contentType, MetricsText.text(metrics))
    }

    private func answer(_ contentType: String, _ text: String) -> Response {
        Response(
            status: 200,
            fields: ["Content-Type": contentType, "Cache-Control": "no-store"],
            body: Body(text)
        )
    }

    /// `{"status":"ok"}`, or 503 with a reason for each check that failed, by name.
    private func health() async -> Response {
        let problems = await problems()
        var text = "{\"status\":\"ok\"}"
        if !problems.isEmpty {
            let reasons = problems.map { "\(AdminPage.quoted($0.name)):\(AdminPage.quoted($0.reason))" }
            text = "{\"status\":\"failing\",\"reasons\":{\(reasons.joined(separator: ","))}}"
        }
        return Response(
            status: problems.isEmpty ? 200 : 503,
            fields: ["Content-Type": "application/json", "Cache-Control": "no-store"],
            body: Body(text + "\n")
        )
    }

    /// What is wrong, in the order of the checks.
    private func problems() async -> [(name: String, reason: String)] {
        await withTaskGroup(of: (Int, String?).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask { [timeout] in (index, await Self.problem(of: check, within: timeout)) }
            }
            var found: [Int: String] = [:]
            for await (index, problem) in group { found[index] = problem }
            return found.sorted { $0.key < $1.key }.map { (name: checks[$0.key].name, reason: $0.value) }
        }
    }

    private static func problem(of check: HealthCheck, within timeout: Duration) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask { await check.problem() }
            group.addTask {
                // Throws only when the check was faster, and then nobody listens.
                try? await Task.sleep(for: timeout)
                return "no answer in \(timeout)"
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
