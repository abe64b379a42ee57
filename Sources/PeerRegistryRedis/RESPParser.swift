// Reads Redis's answers from octets as they come: a pure state machine with limits.

/// What an answer may measure.
package struct RESPLimits: Sendable {
    /// Octets of a line: simple strings, errors, numbers, lengths.
    package var lineBytesMax = 64 << 10
    /// Octets of a bulk string.
    package var bulkBytesMax = 16 << 20
    /// Elements of one array; a map has two each.
    package var elementsMax = 1 << 20
    /// Arrays within arrays.
    package var depthMax = 8
    /// Octets of one whole answer.
    package var answerBytesMax = 256 << 20

    package init() {}
}

/// Octets that are not the protocol, or more of them than is allowed; the connection is of no use after that.
package struct RESPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was wrong.
    package let description: String
}

/// Turns octets into values; what is incomplete waits for more, and is not read twice.
package struct RESPParser: Sendable {
    private struct Aggregate {
        let kind: UInt8
        var missing: Int
        var elements: [RESPValue] = []
    }

    private let limits: RESPLimits
    private var buffer: [UInt8] = []
    /// How much of the buffer is used up.
    private var position = 0
    /// Up to where there is no line feed.
    private var searched = 0
    /// The bulk string under way: its kind and length.
    private var bulk: (kind: UInt8, count: Int)?
    /// Arrays under way, the innermost last.
    private var open: [Aggregate] = []
    private var answerBytes = 0
    private var failure: RESPError?

    package init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// Adds what came.
    package mutating func append(_ octets: some Collection<UInt8>) {
        if position > 0, position == buffer.count || position > 1 << 16 {
            buffer.removeSubrange(..<position)
            searched = max(0, searched - position)
            position = 0
        }
        buffer.append(contentsOf: octets)
    }

    /// The next whole value; nil: more octets are needed.
    ///
    /// - Throws: ``RESPError``, and the same one ever after.
    package mutating func next() throws(RESPError) -> RESPValue? {
        if let failure { throw failure }
        do {
            while let (value, isAttribute) = try element() {
                if let whole = finish(value, isAttribute: isAttribute) {
                    answerBytes = 0
                    return whole
                }
            }
            return nil
        } catch {
            failure = error
            (buffer, open) = ([], [])
            throw error
        }
    }

    /// Puts a value into the array it belongs to; returns it, or the outermost array, if that is whole.
    private mutating func finish(_ value: RESPValue, isAttribute: Bool) -> RESPValue? {
        var value = value
        // An attribute precedes the element it speaks of and counts for nothing.
        if isAttribute { return nil }
        while var last = open.popLast() {
            last.elements.append(value)
            last.missing -= 1
            guard last.missing == 0 else {
                open.append(last)
                return nil
            }
            if last.kind == Octet.attribute { return nil }
            value = Self.value(last.kind, last.elements)
        }
        return value
    }

    /// The next value that is not within another one, or nil if octets are missing.
    private mutating func element() throws(RESPError) -> (RESPValue, isAttribute: Bool)? {
        while true {
            if let bulk {
                guard let value = try bulkString(bulk.kind, bulk.count) else { return nil }
                self.bulk = nil
                return (value, false)
            }
            guard let line = try line() else { return nil }
            guard let kind = line.first else { throw RESPError(description: "an empty line") }
            let rest = line.dropFirst()
            switch kind {
            case Octet.array, Octet.set, Octet.push, Octet.map, Octet.attribute:
                guard let count = try length(rest, limit: limits.elementsMax, "elements") else {
                    guard kind == Octet.array else { throw RESPError(description: "a length below 0") }
                    return (.null, false)
                }
                let missing = kind == Octet.map || kind == Octet.attribute ? 2 * count : count
                if missing == 0 { return (Self.value(kind, []), kind == Octet.attribute) }
                guard open.count < limits.depthMax else { throw RESPError(description: "arrays nested too deeply") }
                guard kind != Octet.push || open.isEmpty else {
                    throw RESPError(description: "a push within an answer")
                }
                open.append(Aggregate(kind: kind, missing: missing))
            case Octet.bulk, Octet.bulkError, Octet.verbatim:
                guard let count = try length(rest, limit: limits.bulkBytesMax, "octets") else {
                    guard kind == Octet.bulk else { throw RESPError(description: "a length below 0") }
                    return (.null, false)
                }
                try charge(count)
                bulk = (kind, count)
            default:
                return (try scalar(kind, rest), false)
            }
        }
    }

    private func scalar(_ kind: UInt8, _ rest: ArraySlice<UInt8>) throws(RESPError) -> RESPValue {
        switch kind {
        case Octet.simple: return .string(Array(rest))
        case Octet.error: return .error(String(decoding: rest, as: UTF8.self))
        case Octet.integer:
            guard let number = Self.integer(rest) else { throw RESPError(description: "a number that is none") }
            return .integer(number)
        case Octet.null where rest.isEmpty: return .null
        case Octet.bool where rest.elementsEqual([0x74]): return .bool(true)
        case Octet.bool where rest.elementsEqual([0x66]): return .bool(false)
        case Octet.double, Octet.bigNumber:
            guard !rest.isEmpty else { throw RESPError(description: "a number that is none") }
            return .string(Array(rest))
        default: throw RESPError(description: "octet \(kind) begins no value")
        }
    }

    /// The line up to CR LF, taken from the buffer; nil if it is not whole.
    private mutating func line() throws(RESPError) -> ArraySlice<UInt8>? {
        guard let end = buffer[max(position, searched)...].firstIndex(of: 0x0a) else {
            guard buffer.count - position <= limits.lineBytesMax else {
                throw RESPError(description: "too long a line")
            }
            searched = buffer.count
            return nil
        }
        guard end - position <= limits.lineBytesMax else { throw RESPError(description: "too long a line") }
        guard end > position, buffer[end - 1] == 0x0d else { throw RESPError(description: "a line without CR LF") }
        let line = buffer[position..<end - 1]
        guard !line.contains(0x0d) else { throw RESPError(description: "a CR within a line") }
        try charge(line.count)
        position = end + 1
        searched = position
        return line
    }

    private mutating func bulkString(_ kind: UInt8, _ count: Int) throws(RESPError) -> RESPValue? {
        guard buffer.count - position >= count + 2 else { return nil }
        let end = position + count
        guard buffer[end] == 0x0d, buffer[end + 1] == 0x0a else {
            throw RESPError(description: "a string that does not end where it said")
        }
        let octets = buffer[position..<end]
        position = end + 2
        searched = position
        switch kind {
        case Octet.bulkError: return .error(String(decoding: octets, as: UTF8.self))
        case Octet.verbatim:
            // Three letters say the format, then a colon.
            guard count >= 4, octets[octets.startIndex + 3] == 0x3a else {
                throw RESPError(description: "a verbatim string without a format")
            }
            return .string(Array(octets.dropFirst(4)))
        default: return .string(Array(octets))
        }
    }

    /// A length, or nil for -1.
    private func length(_ octets: ArraySlice<UInt8>, limit: Int, _ unit: String) throws(RESPError) -> Int? {
        if octets.elementsEqual([0x2d, 0x31]) { return nil }
        guard let number = RESPValue.number(octets) else { throw RESPError(description: "a length that is no number") }
        guard number <= UInt64(limit) else { throw RESPError(description: "\(number) \(unit): more than \(limit)") }
        return Int(number)
    }

    /// Counts octets of the answer under way; an element costs at least 16, so that small ones cannot add up.
    private mutating func charge(_ count: Int) throws(RESPError) {
        answerBytes += count + 16
        guard answerBytes <= limits.answerBytesMax else {
            throw RESPError(description: "an answer of more than \(limits.answerBytesMax) octets")
        }
    }

    private static func value(_ kind: UInt8, _ elements: [RESPValue]) -> RESPValue {
        switch kind {
        case Octet.map: .map(elements)
        case Octet.push: .push(elements)
        default: .array(elements)
        }
    }

    /// Digits with or without a sign.
    private static func integer(_ octets: ArraySlice<UInt8>) -> Int64? {
        let isNegative = octets.first == 0x2d
        let hasSign = isNegative || octets.first == 0x2b
        guard let magnitude = RESPValue.number(hasSign ? octets.dropFirst() : octets) else { return nil }
        if !isNegative { return Int64(exactly: magnitude) }
        guard magnitude <= 1 << 63 else { return nil }
        return Int64(truncatingIfNeeded: 0 &- magnitude)
    }

    /// First octets.
    private enum Octet {
        static let simple = UInt8(ascii: "+")
        static let error = UInt8(ascii: "-")
        static let integer = UInt8(ascii: ":")
        static let bulk = UInt8(ascii: "$")
        static let array = UInt8(ascii: "*")
        static let null = UInt8(ascii: "_")
        static let bool = UInt8(ascii: "#")
        static let double = UInt8(ascii: ",")
        static let bigNumber = UInt8(ascii: "(")
        static let bulkError = UInt8(ascii: "!")
        static let verbatim = UInt8(ascii: "=")
        static let map = UInt8(ascii: "%")
        static let attribute = UInt8(ascii: "|")
        static let set = UInt8(ascii: "~")
        static let push = UInt8(ascii: ">")
    }
}
