// Reads a text/event-stream, octet by octet, within limits (HTML Living Standard, section 9.2.6).

/// One event of a stream: its fields as they stand when the empty line comes.
package struct ServerSentEvent: Sendable, Hashable {
    /// Field `id`; empty if the event has none of its own.
    package var id: String
    /// Field `event`; empty: a message.
    package var name: String
    /// The `data` lines, joined by line feeds.
    package var data: String

    package init(id: String = "", name: String = "", data: String) {
        (self.id, self.name, self.data) = (id, name, data)
    }
}

/// Turns octets into events; a stream that breaks a limit is not to be read on.
///
/// Differs from browsers in one point: an `id` belongs to its own event and is not handed on to later ones, because a
/// revision must never be taken for that of another change.
package struct EventStreamParser: Sendable {
    /// What one event may take.
    package struct Limits: Sendable, Hashable {
        /// Octets of one line, its end not counted.
        package var lineBytesMax = 4_096
        /// Octets of all data lines of one event.
        package var dataBytesMax = 16_384

        package init() {}
    }

    /// A line or an event is longer than the limits allow.
    package struct LimitExceeded: Error, Sendable, Hashable {}

    /// The `id` of the last block that had one, with or without data: where to resume; empty if there was none.
    package private(set) var lastID = ""
    private let limits: Limits
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var id = ""
    private var name = ""
    private var hasData = false
    private var isAfterCarriageReturn = false
    private var isFirstLine = true
    private var isBroken = false

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Takes the next octets; returns the events that they complete, in order.
    ///
    /// - Throws: ``LimitExceeded``, now and for every later call; the events before it in `octets` are lost.
    package mutating func parse(_ octets: some Sequence<UInt8>) throws(LimitExceeded) -> [ServerSentEvent] {
        guard !isBroken else { throw LimitExceeded() }
        var events: [ServerSentEvent] = []
        for octet in octets {
            let isSecondOfPair = isAfterCarriageReturn && octet == 0x0a
            isAfterCarriageReturn = octet == 0x0d
            if isSecondOfPair { continue }
            guard octet == 0x0a || octet == 0x0d else {
                line.append(octet)
                if line.count > limits.lineBytesMax { try fail() }
                continue
            }
            if let event = endLine() { events.append(event) }
            if data.count > limits.dataBytesMax { try fail() }
        }
        return events
    }

    private mutating func fail() throws(LimitExceeded) {
        isBroken = true
        (line, data) = ([], [])
        throw LimitExceeded()
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        if isFirstLine, line.starts(with: [0xef, 0xbb, 0xbf]) { line.removeFirst(3) }
        isFirstLine = false
        guard !line.isEmpty else { return dispatch() }
        // A line that begins with a colon is a comment: it keeps the connection alive.
        guard line[0] != 0x3a else { return nil }
        let colon = line.firstIndex(of: 0x3a) ?? line.count
        var value = line[min(colon + 1, line.count)...]
        if value.first == 0x20 { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "data":
            if hasData { data.append(0x0a) }
            data.append(contentsOf: value)
            hasData = true
        case "event": name = String(decoding: value, as: UTF8.self)
        case "id": if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
        default: break
        }
        return nil
    }

    private mutating func dispatch() -> ServerSentEvent? {
        if !id.isEmpty { lastID = id }
        defer {
            (id, name, hasData) = ("", "", false)
            data.removeAll(keepingCapacity: true)
        }
        guard hasData else { return nil }
        return ServerSentEvent(id: id, name: name, data: String(decoding: data, as: UTF8.self))
    }
}
