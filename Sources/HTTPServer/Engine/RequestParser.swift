// The request parser: octets of a connection to a RequestHead, in one pass that can stop at any octet and resume.

package import HTTP

/// Parses one request head after another as RFC 9112 has it, strictly: what two parsers could read differently is refused.
///
/// Holds where it stopped, never octets: each call gets all octets of the head so far, from its first one, and goes on
/// at the first that it has not seen. So a head that comes an octet at a time costs no more than one that comes whole.
/// Every access to the octets is bounds-checked. Allocates only while `head.lines` grows to its working size.
package struct RequestParser: Sendable {
    /// How much of a head is taken.
    package struct Limits: Sendable {
        /// Octets of the whole head with the empty line that ends it.
        package var headBytesMax = 32 * 1024
        /// Octets of the request line without its CRLF.
        package var requestLineBytesMax = 16 * 1024
        /// Field lines.
        package var fieldsMax = 128

        /// The defaults: 32 KiB, 16 KiB, 128 fields.
        package init() {}
    }

    /// What the parser reads next.
    enum Phase: UInt8 {
        case leading, leadingLF, method, target, version, requestLineLF
        case fieldStart, name, valueStart, value, valueLF, endLF
    }

    /// Empty lines that are skipped before a request line (RFC 9112 section 2.2 asks for at least one).
    static let leadingLinesMax = 4
    /// Octets of the longest method that is looked at.
    static let methodBytesMax = 32

    /// What the head that was parsed last means for the connection.
    package var semantics = RequestSemantics()

    var phase = Phase.leading
    /// The first octet that has not been looked at.
    var position = 0
    /// Where the element that is being read began.
    var mark = 0
    /// Where the request line began, after empty lines.
    var lineStart = 0
    var name = 0..<0

    /// A parser before its first octet.
    package init() {}

    /// Whether nothing of a request has come, empty lines aside.
    package var isIdle: Bool { phase == .leading || phase == .leadingLF }

    /// Reads on; fills `head` with offsets into `buffer` once the head is whole.
    ///
    /// - Parameters:
    ///   - buffer: All octets from the first of this head on; those of earlier calls unchanged.
    ///   - limits: How much is taken; the same in each call for one head.
    ///   - head: The same value in each call for one head.
    /// - Returns: How many octets the head takes, or nil if more are needed. The parser is then ready for the next head.
    /// - Throws: The rule that the request breaks; the parser is of no use after that.
    package mutating func parse(
        _ buffer: Span<UInt8>,
        limits: Limits,
        into head: inout RequestHead
    ) throws(RequestRefusal) -> Int? {
        if phase.rawValue < Phase.fieldStart.rawValue {
            guard try parseRequestLine(buffer, limits: limits, into: &head) else { return nil }
        }
        guard try parseFields(buffer, limits: limits, into: &head) else { return nil }
        let count = position
        try finish(buffer, head: &head)
        phase = .leading
        position = 0
        return count
    }

    // MARK: The request line (RFC 9112 section 3)

    private mutating func parseRequestLine(
        _ buffer: Span<UInt8>,
        limits: Limits,
        into head: inout RequestHead
    ) throws(RequestRefusal) -> Bool {
        if phase == .leading || phase == .leadingLF {
            guard try skipEmptyLines(buffer) else { return false }
            head.lines.removeAll(keepingCapacity: true)
            head.present = []
        }
        if phase == .method {
            guard try parseMethod(buffer, into: &head) else { return false }
        }
        if phase == .target {
            guard try parseTarget(buffer, limits: limits, into: &head) else { return false }
        }
        if phase == .version {
            guard try parseVersion(buffer, limits: limits, into: &head) else { return false }
        }
        guard position < buffer.count else { return false }
        guard buffer[position] == 0x0a else { throw .bareCR }
        position += 1
        phase = .fieldStart
        return true
    }

    /// Skips CRLFs; true once the request line begins.
    private mutating func skipEmptyLines(_ buffer: Span<UInt8>) throws(RequestRefusal) -> Bool {
        while position < buffer.count {
            let octet = buffer[position]
            if phase == .leadingLF {
                guard octet == 0x0a else { throw .bareCR }
                phase = .leading
            } else if octet == 0x0d {
                guard position < 2 * RequestParser.leadingLinesMax else { throw .emptyLines }
                phase = .leadingLF
            } else {
                guard octet != 0x0a else { throw .bareLF }
                phase = .method
                mark = position
                lineStart = position
                return true
            }
            position += 1
        }
        return false
    }

    private mutating func parseMethod(
        _ buffer: Span<UInt8>,
        into head: inout RequestHead
    ) throws(RequestRefusal) -> Bool {
        var at = position
        while at < buffer.count, FieldOctet.isToken(buffer[at]) { at += 1 }
        position = at
        guard at - mark <= RequestParser.methodBytesMax else { throw .methodTooLong }
        guard at < buffer.count else { return false }
        guard buffer[at] == 0x20, at > mark else { throw .badMethod }
        head.methodRange = mark..<at
        head.method = .other
        if at - mark == 3, buffer[mark] == 0x47, buffer[mark + 1] == 0x45, buffer[mark + 2] == 0x54 {
            head.method = .get
        } else if buffer.extracting(mark..<at).spells("HEAD") {
            head.method = .head
        }
        position = at + 1
        mark = position
        phase = .target
        return true
    }

    private mutating func parseTarget(
        _ buffer: Span<UInt8>,
        limits: Limits,
        into head: inout RequestHead
    ) throws(RequestRefusal) -> Bool {
        var at = position
        while at < buffer.count, FieldOctet.isTarget(buffer[at]) { at += 1 }
        position = at
        guard at - lineStart <= limits.requestLineBytesMax else { throw .requestLineTooLong }
        guard at < buffer.count else { return false }
        guard buffer[at] != 0x23 else { throw .fragmentInTarget }
        guard buffer[at] == 0x20, at > mark else { throw .badTarget }
        head.target = mark..<at
        position = at + 1
        mark = position
        phase = .version
        return true
    }

    private mutating func parseVersion(
        _ buffer: Span<UInt8>,
        limits: Limits,
        into head: inout RequestHead
    ) throws(RequestRefusal) -> Bool {
        let prefix: StaticString = "HTTP/"
        let available = min(buffer.count - mark, 9)
        for index in 0..<min(available, 5) where buffer[mark + index] != prefix.utf8Start[index] { throw .badVersion }
        if available > 5, !Octet.isDigit(buffer[mark + 5]) { throw .badVersion }
        if available > 6, buffer[mark + 6] != 0x2e { throw .badVersion }
        if available > 7, !Octet.isDigit(buffer[mark + 7]) { throw .badVersion }
        position = mark + min(available, 8)
        guard available == 9 else { return false }
        guard buffer[mark + 8] == 0x0d else {
            throw buffer[mark + 8] == 0x0a ? .bareLF : .badVersion
        }
        guard mark + 8 - lineStart <= limits.requestLineBytesMax else { throw .requestLineTooLong }
        guard buffer[mark + 5] == 0x31, buffer[mark + 7] <= 0x31 else { throw .unsupportedVersion }
        head.minorVersion = Int(buffer[mark + 7] - 0x30)
        position = mark + 9
        phase = .requestLineLF
        return true
    }

    // MARK: Field lines (RFC 9112 section 5)

    private mutating func parseFields(
        _ buffer: Span<UInt8>,
        limits: Limits,
        into head: inout RequestHead
    ) throws(RequestRefusal) -> Bool {
        let end = min(buffer.count, limits.headBytesMax)
        while position < end {
            let octet = buffer[position]
            switch phase {
            case .name:
                try parseName(buffer, end: end)
            case .valueStart:
                if Octet.isWhitespace(octet) {
                    position += 1
                } else {
                    mark = position
                    phase = .value
                }
            case .value:
                try parseValue(buffer, end: end, limits: limits, into: &head)
            case .valueLF:
                guard octet == 0x0a else { throw .bareCR }
                position += 1
                phase = .fieldStart
            case .endLF:
                guard octet == 0x0a else { throw .bareCR }
                position += 1
                return true
            default:
                try startField(octet, isFirst: head.lines.isEmpty)
            }
        }
        guard end < limits.headBytesMax else { throw .headTooLong }
        return false
    }

    private mutating func startField(_ octet: UInt8, isFirst: Bool) throws(RequestRefusal) {
        switch octet {
        case 0x0d:
            phase = .endLF
            position += 1
        case 0x0a: throw .bareLF
        // RFC 9112 section 2.2 and section 5.2: obs-fold, or a line smuggled before the first field.
        case 0x20, 0x09: throw isFirst ? .whitespaceBeforeField : .lineFolding
        case 0x3a: throw .emptyFieldName
        default:
            phase = .name
            mark = position
        }
    }

    @inline(__always)
    private mutating func parseName(_ buffer: Span<UInt8>, end: Int) throws(RequestRefusal) {
        var at = position
        while at < end, FieldOctet.isToken(buffer[at]) { at += 1 }
        position = at
        guard at < end else { return }
        guard buffer[at] == 0x3a else {
            switch buffer[at] {
            // RFC 9112 section 5.1: no whitespace is allowed between the name and the colon.
            case 0x20, 0x09: throw .spaceBeforeColon
            case 0x0a, 0x0d: throw .missingColon
            default: throw .badFieldName
            }
        }
        name = mark..<at
        position = at + 1
        phase = .valueStart
    }

    @inline(__always)
    private mutating func parseValue(
        _ buffer: Span<UInt8>,
        end: Int,
        limits: Limits,
        into head: inout RequestHead
    ) throws(RequestRefusal) {
        var at = position
        while at < end, FieldOctet.isValue(buffer[at]) { at += 1 }
        position = at
        guard at < end else { return }
        guard buffer[at] == 0x0d else { throw buffer[at] == 0x0a ? .bareLF : .badFieldValue }
        var last = at
        while last > mark, Octet.isWhitespace(buffer[last - 1]) { last -= 1 }
        guard head.lines.count < limits.fieldsMax else { throw .tooManyFields }
        let known = KnownField(name: buffer.extracting(name))
        head.lines.append(Fields.Line(name: name, value: mark..<last, known: known))
        head.present.insert(known)
        position = at + 1
        phase = .valueLF
    }
}
