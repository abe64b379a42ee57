// The field lines of one message in the order and octets in which they came: one flat buffer and an offset table.
//
// Ours rather than swift-http-types' HTTPFields because a cache must hand on what it was sent, octet for octet
// (obs-text, empty lines, repeated names in place), and because a head kept in one allocation is what a stored
// response is made of.

/// The header section of one message: field lines in order, names compared without case, octets unchanged.
///
/// Cost: two allocations, whatever the number of lines; look-up is linear in the lines.
package struct Fields: Sendable {
    /// Where one line's name and value stand in the buffer.
    package struct Line: Sendable, Equatable {
        package var nameStart: Int32
        package var nameCount: Int32
        package var valueStart: Int32
        package var valueCount: Int32
        package var known: KnownField

        package init(name: Range<Int>, value: Range<Int>, known: KnownField) {
            nameStart = Int32(truncatingIfNeeded: name.lowerBound)
            nameCount = Int32(truncatingIfNeeded: name.count)
            valueStart = Int32(truncatingIfNeeded: value.lowerBound)
            valueCount = Int32(truncatingIfNeeded: value.count)
            self.known = known
        }

        package var name: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameCount) }
        package var value: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueCount) }
    }

    /// The buffer that ``lines`` points into.
    package private(set) var bytes: [UInt8] = []
    /// The lines in the order in which they came.
    package private(set) var lines: [Line] = []
    /// Which known fields occur.
    package private(set) var present: KnownFieldSet = []

    /// No fields.
    package init() {}

    /// The lines of a parsed head, copied out of the connection's buffer in one piece.
    package init(head: RequestHead, in buffer: Span<UInt8>) {
        guard let first = head.lines.first, let last = head.lines.last else { return }
        let base = Int(first.nameStart)
        bytes = buffer.extracting(base..<last.value.upperBound).array
        lines = head.lines
        for index in lines.indices {
            lines[index].nameStart -= Int32(base)
            lines[index].valueStart -= Int32(base)
        }
        present = head.present
    }

    package var isEmpty: Bool { lines.isEmpty }

    // MARK: Reading

    /// Whether a line of this name exists.
    package func contains(_ field: KnownField) -> Bool {
        present.contains(field)
    }

    /// The value of the first line of that name, or nil.
    package subscript(_ field: KnownField) -> ArraySlice<UInt8>? {
        guard present.contains(field) else { return nil }
        for line in lines where line.known == field { return bytes[line.value] }
        return nil
    }

    /// The value of the first line of that name (any letter case), or nil.
    package subscript(_ name: String) -> ArraySlice<UInt8>? {
        for line in lines where bytes[line.name].span.equalsIgnoringCase(name.utf8.span) {
            return bytes[line.value]
        }
        return nil
    }

    /// The values of all lines of that name, in order.
    package func values(_ field: KnownField) -> [ArraySlice<UInt8>] {
        guard present.contains(field) else { return [] }
        var values: [ArraySlice<UInt8>] = []
        for line in lines where line.known == field { values.append(bytes[line.value]) }
        return values
    }

    /// The value of the one line of that name; nil if there is none, or more than one.
    package func only(_ field: KnownField) -> ArraySlice<UInt8>? {
        guard present.contains(field) else { return nil }
        var found: Line?
        for line in lines where line.known == field {
            guard found == nil else { return nil }
            found = line
        }
        return found.map { bytes[$0.value] }
    }

    /// The values of all lines of that name (any letter case), in order.
    package func values(named name: Span<UInt8>) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        for line in lines where bytes[line.name].span.equalsIgnoringCase(name) {
            result.append(bytes[line.value])
        }
        return result
    }

    /// All lines of that name as one list, joined by ", " (RFC 9110 section 5.3), or nil if there is none.
    package func combined(_ field: KnownField) -> [UInt8]? {
        guard present.contains(field) else { return nil }
        return Array(values(field).joined(separator: [0x2c, 0x20]))
    }

    /// The first value of that name as text, for messages and tests; octets that are not UTF-8 are replaced.
    package func text(_ field: KnownField) -> String? {
        self[field].map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first value of that name as text, for messages and tests; octets that are not UTF-8 are replaced.
    package func text(_ name: String) -> String? {
        self[name].map { String(decoding: $0, as: UTF8.self) }
    }

    /// The octets of one line's name.
    package func name(of line: Line) -> ArraySlice<UInt8> { bytes[line.name] }

    /// The octets of one line's value.
    package func value(of line: Line) -> ArraySlice<UInt8> { bytes[line.value] }

    // MARK: Writing

    /// Makes room for as many more lines, of as many octets in all.
    package mutating func reserve(lines lineCount: Int, bytes byteCount: Int) {
        lines.reserveCapacity(lines.count + lineCount)
        bytes.reserveCapacity(bytes.count + byteCount)
    }

    /// Adds a line at the end; the caller has checked the octets: no CR, LF or NUL gets here.
    package mutating func append(name: some Collection<UInt8>, value: some Collection<UInt8>) {
        let nameStart = bytes.count
        bytes.append(contentsOf: name)
        let valueStart = bytes.count
        bytes.append(contentsOf: value)
        let known = KnownField(name: bytes[nameStart..<valueStart].span)
        lines.append(Line(name: nameStart..<valueStart, value: valueStart..<bytes.count, known: known))
        present.insert(known)
    }

    /// Adds a line at the end.
    package mutating func append(_ name: String, _ value: String) {
        append(name: name.utf8, value: value.utf8)
    }

    /// Adds a line of `other` at the end, octets unchanged.
    package mutating func append(_ line: Line, of other: Fields) {
        append(name: other.bytes[line.name], value: other.bytes[line.value])
    }

    /// Removes every line of that name.
    package mutating func remove(_ field: KnownField) {
        guard present.contains(field) else { return }
        removeLines { line, _ in line.known == field }
    }

    /// Removes every line for which `isDropped` says so; the buffer keeps its size until the fields are copied.
    package mutating func removeLines(where isDropped: (Line, Fields) -> Bool) {
        // Mostly there is nothing to remove, and so nothing to copy.
        guard lines.contains(where: { isDropped($0, self) }) else { return }
        let all = self
        lines.removeAll { isDropped($0, all) }
        present = []
        for line in lines { present.insert(line.known) }
    }

    /// Removes every line of that name and adds one.
    package mutating func set(_ name: String, _ value: String) {
        removeLines { line, fields in fields.bytes[line.name].span.equalsIgnoringCase(name.utf8.span) }
        append(name, value)
    }

    /// Appends the lines as they stand on the wire: `Name: value` CRLF, without the empty line that ends a head.
    package func serialize(into output: inout [UInt8]) {
        if output.isEmpty { output.reserveCapacity(bytes.count + 4 * lines.count) }
        for line in lines {
            output.append(contentsOf: bytes[line.name])
            output.append(0x3a)
            output.append(0x20)
            output.append(contentsOf: bytes[line.value])
            output.append(0x0d)
            output.append(0x0a)
        }
    }
}

extension Fields: Equatable {
    /// Whether both have the same lines, octet for octet, in the same order.
    package static func == (left: Fields, right: Fields) -> Bool {
        guard left.lines.count == right.lines.count else { return false }
        return zip(left.lines, right.lines).allSatisfy { a, b in
            left.bytes[a.name] == right.bytes[b.name] && left.bytes[a.value] == right.bytes[b.value]
        }
    }
}

extension Fields: ExpressibleByDictionaryLiteral {
    /// Lines in the order of the literal; a name may be repeated.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { append(name, value) }
    }
}

extension Fields: CustomStringConvertible {
    /// The lines as text, one a line, for tests and messages.
    package var description: String {
        lines.map { line in
            "\(String(decoding: bytes[line.name], as: UTF8.self)): \(String(decoding: bytes[line.value], as: UTF8.self))"
        }.joined(separator: "\n")
    }
}
