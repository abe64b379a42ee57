// What a script answers: a list of steps, and ready-made lists for the usual answers.

/// The steps that the scripted origin takes for one request, in order.
///
/// Limits (`cut`, `reset`, `stall`, `throttle`, `octetByOctet`) are steps too: they hold for the body octets that
/// follow and are put in front by the methods of the same names.
package struct Reply: Sendable {
    /// One thing to do.
    package enum Step: Sendable {
        /// Writes octets that are not counted as body.
        case raw([UInt8])
        /// Writes octets that are counted as body.
        case body([UInt8])
        /// Writes a range of a medium, made while it is sent, counted as body.
        case medium(Medium, Range<Int64>)
        /// Reads the request's body, at most so many octets, for scripts of an origin that does not read it first.
        case readBody(octetsMax: Int)
        /// Waits until the gate is open.
        case wait(Gate)
        /// Waits so long; only where the time itself is tested.
        case pause(Duration)
        /// From here on at most so many body octets a second.
        case throttle(octetsPerSecond: Int)
        /// From here on every octet in a write of its own.
        case octetByOctet
        /// After so many body octets of this reply: end the connection with FIN.
        case cut(afterBodyOctets: Int64)
        /// After so many body octets of this reply: end the connection with RST.
        case reset(afterBodyOctets: Int64)
        /// After so many body octets of this reply: go on only once the gate is open.
        case stall(afterBodyOctets: Int64, Gate)
        /// Ends the connection with FIN.
        case close
        /// Ends the connection with RST.
        case abort
        /// Does nothing until the client is gone or the origin stops.
        case hang
    }

    /// How the end of a body is told.
    package enum Framing: Sendable {
        /// By a true Content-Length.
        case length
        /// By a Content-Length of this value, true or not.
        case declared(Int64)
        /// By chunks of this size and a last chunk.
        case chunked(size: Int)
        /// By chunks of this size, the last chunk left out and the connection closed.
        case chunkedWithoutEnd(size: Int)
        /// By closing the connection.
        case close
        /// Not at all: neither a length nor a close, as for 304 or 204.
        case none
    }

    package var steps: [Step]

    package init(_ steps: [Step]) {
        self.steps = steps
    }

    /// Octets written as they are; the connection stays open.
    package static func raw(_ text: String) -> Reply { Reply([.raw(Array(text.utf8))]) }

    /// Octets written as they are; the connection stays open.
    package static func raw(_ bytes: [UInt8]) -> Reply { Reply([.raw(bytes)]) }

    /// A response of status line, fields, framing field and body.
    ///
    /// - Parameters:
    ///   - status: The status code.
    ///   - reason: The reason phrase.
    ///   - fields: Name and value of each line, in order; the framing's line comes after them.
    ///   - body: The body's octets.
    ///   - framing: How the end of the body is told.
    /// - Returns: The steps.
    package static func response(
        _ status: Int = 200,
        reason: String = "OK",
        _ fields: [(String, String)] = [],
        body: [UInt8] = [],
        framing: Framing = .length
    ) -> Reply {
        let count = Int64(body.count)
        let pieces = framing.pieces(count: count) { .body(Array(body[Int($0.lowerBound)..<Int($0.upperBound)])) }
        return Reply([.raw(head(status, reason, fields + framing.fields(count: count)))] + pieces)
    }

    /// A response whose body is a range of a medium.
    package static func response(
        _ status: Int = 200,
        reason: String = "OK",
        _ fields: [(String, String)] = [],
        medium: Medium,
        range: Range<Int64>? = nil,
        framing: Framing = .length
    ) -> Reply {
        let range = range ?? 0..<medium.count
        let count = Int64(range.count)
        let pieces = framing.pieces(count: count) {
            .medium(medium, range.lowerBound + $0.lowerBound..<range.lowerBound + $0.upperBound)
        }
        return Reply([.raw(head(status, reason, fields + framing.fields(count: count)))] + pieces)
    }

    /// The same after an interim response.
    package func afterInterim(_ status: Int, _ fields: [(String, String)] = []) -> Reply {
        before(.raw(Self.head(status, "Interim", fields)))
    }

    /// The same, ended by FIN after so many body octets.
    package func cut(afterBodyOctets count: Int64) -> Reply { before(.cut(afterBodyOctets: count)) }

    /// The same, ended by RST after so many body octets.
    package func reset(afterBodyOctets count: Int64) -> Reply { before(.reset(afterBodyOctets: count)) }

    /// The same, standing still after so many body octets until the gate is open.
    package func stall(afterBodyOctets count: Int64, until gate: Gate) -> Reply {
        before(.stall(afterBodyOctets: count, gate))
    }

    /// The same, at most so many body octets a second.
    package func throttled(octetsPerSecond: Int) -> Reply { before(.throttle(octetsPerSecond: octetsPerSecond)) }

    /// The same, every octet in a write of its own, the head's too.
    package func octetByOctet() -> Reply { before(.octetByOctet) }

    /// The same once the gate is open.
    package func waiting(for gate: Gate) -> Reply { before(.wait(gate)) }

    /// The same, then FIN.
    package func thenClose() -> Reply { Reply(steps + [.close]) }

    /// The same steps with `step` in front of them.
    package func before(_ step: Step) -> Reply { Reply([step] + steps) }

    /// The octets of a head of HTTP/1.1; `fields` are not looked at and may be wrong on purpose.
    package static func head(_ status: Int, _ reason: String, _ fields: [(String, String)]) -> [UInt8] {
        let lines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
        return Array("HTTP/1.1 \(status) \(reason)\r\n\(lines)\r\n".utf8)
    }
}

extension Reply.Framing {
    fileprivate func fields(count: Int64) -> [(String, String)] {
        switch self {
        case .length: [("Content-Length", "\(count)")]
        case .declared(let declared): [("Content-Length", "\(declared)")]
        case .chunked, .chunkedWithoutEnd: [("Transfer-Encoding", "chunked")]
        case .close: [("Connection", "close")]
        case .none: []
        }
    }

    fileprivate func pieces(count: Int64, _ piece: (Range<Int64>) -> Reply.Step) -> [Reply.Step] {
        switch self {
        case .length, .declared, .none: return count > 0 ? [piece(0..<count)] : []
        case .close: return (count > 0 ? [piece(0..<count)] : []) + [.close]
        case .chunked(let size): return chunks(count, size, piece) + [.raw(Array("0\r\n\r\n".utf8))]
        case .chunkedWithoutEnd(let size): return chunks(count, size, piece) + [.close]
        }
    }

    private func chunks(_ count: Int64, _ size: Int, _ piece: (Range<Int64>) -> Reply.Step) -> [Reply.Step] {
        stride(from: 0, to: count, by: size).flatMap { start -> [Reply.Step] in
            let end = min(count, start + Int64(size))
            let sizeLine = String(end - start, radix: 16) + "\r\n"
            return [.raw(Array(sizeLine.utf8)), piece(start..<end), .raw([0x0d, 0x0a])]
        }
    }
}
