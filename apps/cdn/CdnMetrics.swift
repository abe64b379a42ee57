// What cdn tells operators, under the names by which they see it.

import Daemon
import HTTP
import HTTPCache
import HTTPServer
import Synchronization

/// The figures of `/metrics` and the list of `/fills`.
struct CdnMetrics: Sendable {
    let cache: CachingResponder
    let server: Server
    let counts: ServerMetrics
    let origin: OriginMeter
    let accessLog: AccessLog?

    /// Everything, for `/metrics`.
    var all: [Metric] {
        answers + times + towardsOrigin + storing + connections + ProcessMetrics.all
    }

    private var answers: [Metric] {
        CacheOutcome.allCases.map { outcome in
            let word = outcome == .none ? "none" : "\(outcome.text)"
            return .counter("cdn.requests", "Answers by what the cache did.", labels: ["cache": word]) {
                counts.totals.answers[Int(outcome.rawValue)]
            }
        } + [
            .counter("cdn.responses.cut", "Answers that were not sent to their end.") { counts.totals.answersCut },
            .counter("cdn.client.sent", "Heads and bodies sent to clients.", unit: "bytes") {
                Int(clamping: counts.totals.bytesSent)
            },
            .counter("cdn.access_log.lines.dropped", "Lines of the access log that could not be written in time.") {
                accessLog?.linesDropped ?? 0
            },
        ]
    }

    private var times: [Metric] {
        func times(_ cache: String, _ read: @escaping @Sendable (ServerMetrics.Totals) -> ServerMetrics.Times) -> Metric
        {
            .distribution(
                "cdn.first_octet.duration",
                "From a request's head to its answer's first octet.",
                unit: "seconds",
                labels: ["cache": cache]
            ) { MetricHistogram.Snapshot(read(counts.totals)) }
        }
        return [
            times("hit") { $0.firstOctetOfHits }, times("other") { $0.firstOctetOfOthers },
            .histogram(
                "cdn.origin.first_octet.duration",
                "From a request to the origin to its answer's head.",
                unit: "seconds",
                origin.firstOctet
            ),
        ]
    }

    private var towardsOrigin: [Metric] {
        [
            .counter("cdn.origin.requests", "Requests sent to the origin.") {
                origin.requests.load(ordering: .relaxed)
            },
            .counter("cdn.origin.failures", "Requests to the origin that got no answer.") {
                origin.failures.load(ordering: .relaxed)
            },
            .gauge("cdn.origin.requests.waiting", "Requests to the origin whose answer has not begun.") {
                origin.waiting.load(ordering: .relaxed)
            },
            .counter("cdn.origin.received", "Octets of bodies read from the origin into the cache.", unit: "bytes") {
                cache.metrics.originBodyBytes.load(ordering: .relaxed)
            },
            .gauge("cdn.fills", "Bodies that are being fetched; /fills lists them.") { cache.fillsUnderWay.count },
            .gauge("cdn.readers.waiting", "Readers that wait for octets of a fill.") {
                cache.fillsUnderWay.reduce(0) { $0 + $1.readersWaiting }
            },
            .gauge("cdn.requests.waiting", "Requests that wait for the head of an answer that they share.") {
                cache.waiting.requests
            },
        ]
    }

    private var storing: [Metric] {
        [
            .gauge("cdn.store.usage", "Octets of bodies in the store.", unit: "bytes") {
                Int(clamping: cache.storeUsage.bytes)
            },
            .gauge("cdn.store.limit", "How many there may be.", unit: "bytes") {
                Int(clamping: cache.storeUsage.bytesMax)
            },
            .gauge("cdn.memory.usage", "Octets of heads and small bodies in memory.", unit: "bytes") {
                Int(clamping: cache.memoryUsage.bytes)
            },
            .gauge("cdn.memory.limit", "How many there may be.", unit: "bytes") {
                Int(clamping: cache.memoryUsage.bytesMax)
            },
            .gauge("cdn.memory.objects", "Keys in memory.") { cache.memoryUsage.keys },
            .counter("cdn.store.evictions", "Segments and small responses that made room for others.") {
                cache.metrics.evictions.load(ordering: .relaxed)
            },
            .counter("cdn.store.evicted", "Octets that they held.", unit: "bytes") {
                cache.metrics.evictedBytes.load(ordering: .relaxed)
            },
            .counter("cdn.store.failures", "Times that the store failed.") {
                cache.metrics.storeFailures.load(ordering: .relaxed)
            },
        ]
    }

    private var connections: [Metric] {
        [
            .gauge("cdn.connections", "Connections of clients now.") { server.connectionCounts.now },
            .counter("cdn.connections.accepted", "Connections of clients since the start.") {
                server.connectionCounts.total
            },
            .counter("cdn.tls.handshakes.failed", "Handshakes of TLS that came to nothing.") {
                counts.handshakeFailures.load(ordering: .relaxed)
            },
        ]
    }

    /// The fills under way as JSON, one a line, the oldest first.
    var fills: AdminPage {
        AdminPage("/fills", contentType: "application/json") { [cache] in
            let now = WallClock.timestamp
            let lines = cache.fillsUnderWay.map { Self.line($0, now: now) }
            return lines.isEmpty ? "[]\n" : "[\n\(lines.joined(separator: ",\n"))\n]\n"
        }
    }

    private static func line(_ fill: FillUnderWay, now: Timestamp) -> String {
        func seconds(since time: Timestamp) -> String {
            let milliseconds = max(0, now.nanosecondsSince(time)) / 1_000_000
            let rest = String(milliseconds % 1000)
            return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
        }
        let key = AdminPage.quoted(String(decoding: fill.key, as: UTF8.self))
        let members = [
            "\"key\":\(key)", "\"first\":\(fill.first)", "\"next\":\(fill.next)",
            "\"end\":\(fill.end.map(String.init) ?? "null")", "\"octets\":\(fill.next - fill.first)",
            "\"seconds\":\(seconds(since: fill.startedAt))",
            "\"silentSeconds\":\(seconds(since: fill.lastOctetsAt ?? fill.startedAt))",
            "\"readers\":\(fill.readers)", "\"readersWaiting\":\(fill.readersWaiting)",
        ]
        return "{\(members.joined(separator: ","))}"
    }
}

extension MetricHistogram.Snapshot {
    /// Times that the server counted, in seconds.
    init(_ times: ServerMetrics.Times) {
        self.init(
            bounds: ServerMetrics.boundsNanoseconds.map { Double($0) * 1e-9 },
            counts: times.counts,
            sum: Double(times.sumNanoseconds) * 1e-9
        )
    }
}
