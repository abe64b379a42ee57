// The access log of one event loop: lines are put together in place, and handed on many at a time.

import HTTP

/// Lines on their way to an ``AccessLog``; on its event loop only, so that a line costs no lock.
struct AccessLogBuffer {
    private let log: AccessLog
    private var octets: [UInt8] = []
    private var lines = 0
    /// Milliseconds of the loop's clock when something was last handed on.
    private var handedOnAt: Int64 = 0
    private var second = Int64.min
    private var time: [UInt8] = []

    /// Octets that are handed on at once.
    private static let bytesMax = 64 * 1024
    /// Milliseconds that a line waits for others at most.
    private static let patience: Int64 = 1000

    init(_ log: AccessLog) {
        self.log = log
    }

    /// Whether lines wait.
    var isEmpty: Bool { lines == 0 }

    /// The time has come to `now` of the loop's clock, and to `unixTime` seconds since 1970.
    mutating func advance(to now: Int64, unixTime: Int64) {
        if unixTime != second {
            second = unixTime
            time = AccessLogLine.time(unixTime: unixTime)
        }
        if now - handedOnAt >= AccessLogBuffer.patience {
            handedOnAt = now
            handOn()
        }
    }

    /// Writes a line: `request` appends the request line, `agents` the two quoted fields.
    mutating func write(
        client: [UInt8],
        status: Int,
        bodyBytes: Int64,
        outcome: CacheOutcome,
        nanoseconds: UInt64,
        request: (inout [UInt8]) -> Void,
        agents: (inout [UInt8]) -> Void
    ) {
        if octets.capacity == 0 { octets.reserveCapacity(AccessLogBuffer.bytesMax + 4096) }
        if client.isEmpty { octets.append(0x2d) } else { octets.append(contentsOf: client) }
        AccessLogLine.append(" - - ", to: &octets)
        octets.append(contentsOf: time)
        AccessLogLine.append(" \"", to: &octets)
        let start = octets.count
        request(&octets)
        if octets.count == start { octets.append(0x2d) }
        AccessLogLine.append("\" ", to: &octets)
        octets.append(decimal: Int64(status == 0 ? AccessLogLine.clientLeft : status))
        octets.append(0x20)
        octets.append(decimal: bodyBytes)
        octets.append(0x20)
        agents(&octets)
        AccessLogLine.append(" \"", to: &octets)
        AccessLogLine.append(outcome.text, to: &octets)
        AccessLogLine.append("\" ", to: &octets)
        AccessLogLine.append(nanoseconds: nanoseconds, to: &octets)
        octets.append(0x0a)
        lines += 1
        if octets.count >= AccessLogBuffer.bytesMax { handOn() }
    }

    /// Gives what is there to the log.
    mutating func handOn() {
        guard lines > 0 else { return }
        log.take(octets, lines: lines)
        octets = []
        lines = 0
    }
}
