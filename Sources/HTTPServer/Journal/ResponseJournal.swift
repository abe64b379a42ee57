// What is remembered about answered requests: the access log, the counters, and whoever else wants to be told.

import HTTP

/// One event loop's share of log and counters; costs a look at ``isOn`` where nobody asked for any.
package struct ResponseJournal {
    /// Whether anybody wants to know.
    let isOn: Bool
    private var log: AccessLogBuffer?
    private let metrics: ServerMetrics?
    private var totals = ServerMetrics.Totals()
    private var hasTotals = false
    private let onResponse: (@Sendable (ResponseSummary) -> Void)?

    init(_ configuration: HTTPServerConfiguration) {
        log = configuration.accessLog.map(AccessLogBuffer.init)
        metrics = configuration.metrics
        onResponse = configuration.onResponse
        isOn = log != nil || metrics != nil || onResponse != nil
    }

    /// Whether something waits for the next tick.
    var hasUnsaved: Bool { hasTotals || log?.isEmpty == false }

    /// The time has come to `now` of the loop's clock: hands on what has waited long enough.
    mutating func advance(to now: Int64, unixTime: Int64) {
        guard isOn else { return }
        log?.advance(to: now, unixTime: unixTime)
        saveTotals()
    }

    /// Hands on everything; to be called when the loop ends.
    mutating func finish() {
        log?.handOn()
        saveTotals()
    }

    private mutating func saveTotals() {
        guard hasTotals, let metrics else { return }
        metrics.add(totals)
        totals = ServerMetrics.Totals()
        hasTotals = false
    }

    // MARK: Answers that take time

    /// What a record keeps of a head that was read in place.
    func note(
        _ head: borrowing RequestHead,
        in octets: Span<UInt8>,
        version: StaticString? = nil,
        in record: inout ExchangeRecord
    ) {
        if log != nil {
            AccessLogLine.appendRequestLine(head, in: octets, version: version, to: &record.noted.line)
            AccessLogLine.appendAgents(head, in: octets, to: &record.noted.agents)
        }
        guard onResponse != nil else { return }
        record.method = Method(String(decoding: octets.extracting(head.methodRange).array, as: UTF8.self))
        record.target = octets.extracting(head.target).array
    }

    /// What a record keeps of a request that came as a value; `version` is its protocol, `HTTP/2.0`.
    func note(_ request: Request, version: StaticString, in record: inout ExchangeRecord) {
        if log != nil { record.noted = AccessLogLine.request(request, version: version) }
        guard onResponse != nil else { return }
        (record.method, record.target) = (request.method, request.target)
    }

    /// An exchange is over at `now`, in nanoseconds of a clock that only goes forward.
    mutating func report(
        _ record: ExchangeRecord,
        from client: JournalClient,
        isComplete: Bool,
        at now: UInt64
    ) {
        let duration = now &- record.startedAtNanoseconds
        log?.write(
            client: client.host,
            status: record.status,
            bodyBytes: record.bodyBytes,
            outcome: record.outcome,
            nanoseconds: duration,
            request: { $0.append(contentsOf: record.noted.line) },
            agents: { agents in
                if record.noted.agents.isEmpty {
                    AccessLogLine.append("\"-\" \"-\"", to: &agents)
                } else {
                    agents.append(contentsOf: record.noted.agents)
                }
            }
        )
        if metrics != nil {
            let firstOctet = record.firstOctetAtNanoseconds.map { $0 &- record.startedAtNanoseconds } ?? duration
            count(record.outcome, bytes: record.headBytes + record.bodyBytes, firstOctet, isComplete: isComplete)
        }
        onResponse?(
            ResponseSummary(
                remoteAddress: client.address,
                method: record.method,
                target: record.target,
                status: record.status,
                bytesSent: record.headBytes + record.bodyBytes,
                duration: .nanoseconds(Int64(clamping: duration)),
                isComplete: isComplete
            )
        )
    }

    // MARK: Answers at once

    /// The express lane has answered whole: without a record, so without an allocation.
    mutating func reportAtOnce(
        _ head: borrowing RequestHead,
        in octets: Span<UInt8>,
        version: StaticString? = nil,
        _ record: ExchangeRecord,
        from client: JournalClient,
        at now: UInt64
    ) {
        guard onResponse == nil else {
            var record = record
            note(head, in: octets, version: version, in: &record)
            return report(record, from: client, isComplete: true, at: now)
        }
        let duration = now &- record.startedAtNanoseconds
        log?.write(
            client: client.host,
            status: record.status,
            bodyBytes: record.bodyBytes,
            outcome: record.outcome,
            nanoseconds: duration,
            request: { AccessLogLine.appendRequestLine(head, in: octets, version: version, to: &$0) },
            agents: { AccessLogLine.appendAgents(head, in: octets, to: &$0) }
        )
        if metrics != nil { count(record.outcome, bytes: record.headBytes + record.bodyBytes, duration) }
    }

    private mutating func count(
        _ outcome: CacheOutcome,
        bytes: Int64,
        _ firstOctetNanoseconds: UInt64,
        isComplete: Bool = true
    ) {
        totals.answers[Int(outcome.rawValue)] += 1
        totals.bytesSent &+= bytes
        if !isComplete { totals.answersCut += 1 }
        if outcome == .hit {
            totals.firstOctetOfHits.add(firstOctetNanoseconds)
        } else {
            totals.firstOctetOfOthers.add(firstOctetNanoseconds)
        }
        hasTotals = true
    }
}

/// Who a connection is with, as the journal writes it; empty if unknown.
package struct JournalClient: Sendable {
    /// `address:port`.
    package let address: String
    /// The address alone, without brackets.
    let host: [UInt8]

    /// A client of that `address:port`.
    package init(address: String = "") {
        self.address = address
        let host = address.utf8.prefix(upTo: address.utf8.lastIndex(of: 0x3a) ?? address.utf8.startIndex)
        self.host = host.filter { $0 != 0x5b && $0 != 0x5d }
    }
}

/// What the journal is to know about an exchange.
struct ExchangeRecord {
    let startedAtNanoseconds: UInt64
    /// When the response's head went out; nil before.
    var firstOctetAtNanoseconds: UInt64?
    /// 0 until a response begins.
    var status = 0
    var headBytes: Int64 = 0
    var bodyBytes: Int64 = 0
    var outcome = CacheOutcome.none
    /// What the access log writes of the request; empty without one.
    var noted = AccessLogLine.Request()
    /// For ``HTTPServerConfiguration/onResponse`` alone.
    var method: Method?
    var target: [UInt8] = []

    /// An exchange whose head was there at that time.
    init(startedAtNanoseconds: UInt64) {
        self.startedAtNanoseconds = startedAtNanoseconds
    }
}
