// Tests of what is told to operators: figures in Prometheus's format, and health.

import Daemon
import HTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct AdminTests {
    private func ask(
        _ responder: AdminResponder,
        _ target: String,
        _ method: Method = .get
    ) async throws -> (
        Response, String
    ) {
        let response = await responder.respond(to: Request(method: method, target: Array(target.utf8)))
        return (response, String(decoding: try await response.body.collect(upTo: 1 << 20), as: UTF8.self))
    }

    // MARK: Figures

    @Test func `figures are written as Prometheus reads them`() {
        let histogram = MetricHistogram(bounds: [0.5, 0.1, .infinity, 0.5])
        for value in [0.1, 0.25, 0.5, 7, .nan] { histogram.observe(value) }
        let text = MetricsText.text([
            .counter("registry.lookups", "Look-ups,\nin \\ all.", labels: ["result": "hit"]) { 3 },
            .gauge("registry.watchers", "Open streams.") { -1 },
            .counter("registry.lookups", "Not shown.", labels: ["result": "a \"b\"\n\\"]) { 4 },
            .counter("http.server.body.size", "Sent.", unit: "bytes") { 5 },
            .histogram("http.server.request.duration", "How long.", unit: "seconds", histogram),
        ])
        #expect(
            text == """
                # HELP registry_lookups_total Look-ups,\\nin \\\\ all.
                # TYPE registry_lookups_total counter
                registry_lookups_total{result="hit"} 3
                registry_lookups_total{result="a \\"b\\"\\n\\\\"} 4
                # HELP registry_watchers Open streams.
                # TYPE registry_watchers gauge
                registry_watchers -1
                # HELP http_server_body_size_bytes_total Sent.
                # TYPE http_server_body_size_bytes_total counter
                http_server_body_size_bytes_total 5
                # HELP http_server_request_duration_seconds How long.
                # TYPE http_server_request_duration_seconds histogram
                http_server_request_duration_seconds_bucket{le="0.1"} 1
                http_server_request_duration_seconds_bucket{le="0.5"} 3
                http_server_request_duration_seconds_bucket{le="+Inf"} 4
                http_server_request_duration_seconds_sum 7.85
                http_server_request_duration_seconds_count 4

                """
        )
    }

    @Test func `durations are observed in seconds`() {
        let histogram = MetricHistogram(bounds: [0.001, 1])
        histogram.observe(.microseconds(1000))
        histogram.observe(.milliseconds(1001))
        #expect(histogram.snapshot.counts == [1, 0, 1])
        #expect(abs(histogram.snapshot.sum - 1.002) < 1e-9)
    }

    @Test func `the process tells of itself`() async throws {
        let (response, text) = try await ask(AdminResponder(metrics: ProcessMetrics.all), "/metrics?x=1")
        #expect(response.status == 200)
        #expect(response.fields.text("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        for name in [
            "process_memory_usage_bytes", "process_cpu_time_seconds_total", "process_open_file_descriptor_count",
            "process_open_file_descriptor_limit",
        ] {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + " ") })
            #expect(Double(line.split(separator: " ")[1]) ?? 0 > 0)
        }
    }

    // MARK: Health

    @Test func `health is ok while every check is`() async throws {
        let responder = AdminResponder(metrics: [], checks: [HealthCheck("store") { nil }])
        let (response, text) = try await ask(responder, "/health")
        #expect(response.status == 200)
        #expect(response.fields.text("Content-Type") == "application/json")
        #expect(text == "{\"status\":\"ok\"}\n")
    }

    @Test func `each failed check gives its reason, and one that does not answer is one`() async throws {
        let responder = AdminResponder(
            metrics: [],
            checks: [
                HealthCheck("store") { "the \"disk\" is\nfull" }, HealthCheck("fine") { nil },
                HealthCheck("slow") {
                    try? await untilCancelled()
                    return nil
                },
            ],
            timeout: .milliseconds(20)
        )
        let (response, text) = try await ask(responder, "/health")
        #expect(response.status == 503)
        #expect(
            text.hasPrefix("{\"status\":\"failing\",\"reasons\":{\"store\":\"the \\\"disk\\\" is\\nfull\",\"slow\":")
        )
        #expect(!text.contains("fine"))
    }

    @Test func `a program's own pages are there, made anew each time`() async throws {
        let page = AdminPage("/fills", contentType: "application/json") { "[\(AdminPage.quoted("a\"b"))]\n" }
        let responder = AdminResponder(metrics: [], pages: [page])
        let (response, text) = try await ask(responder, "/fills?x")
        #expect(response.status == 200 && text == "[\"a\\\"b\"]\n")
        #expect(response.fields.text("Content-Type") == "application/json")
        #expect(try await ask(responder, "/fills", .post).0.status == 405)
        #expect(try await ask(responder, "/x").1.contains("/health, /metrics, /fills"))
    }

    @Test func `nothing else is there`() async throws {
        let responder = AdminResponder(metrics: [])
        #expect(try await ask(responder, "/").0.status == 404)
        #expect(try await ask(responder, "/metrics/x").0.status == 404)
        let (refused, _) = try await ask(responder, "/metrics", .post)
        #expect(refused.status == 405)
        #expect(refused.fields.text("Allow") == "GET, HEAD")
        #expect(try await ask(responder, "/health", .head).0.status == 200)
    }
}
