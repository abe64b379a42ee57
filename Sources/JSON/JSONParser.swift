// Reads a JSON text in one pass over its octets (RFC 8259).

/// The grammar, one method a rule; every octet is looked at once.
struct JSONParser {
    /// The text.
    let octets: [UInt8]
    let limits: JSONLimits
    /// The next octet to be looked at.
    var position = 0
    /// Members and elements so far.
    private var membersRead = 0

    init(_ octets: [UInt8], limits: JSONLimits) {
        (self.octets, self.limits) = (octets, limits)
    }

    /// `JSON-text = ws value ws`, and then the end.
    mutating func document() throws(JSONError) -> JSONValue {
        skipWhiteSpace()
        let value = try value(depth: 0)
        skipWhiteSpace()
        guard position == octets.count else {
            throw JSONError(.trailingOctets, at: position, "something follows the value")
        }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard position < octets.count else { throw unexpected("a value") }
        switch octets[position] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw unexpected("a value")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        var object = JSONObject()
        try open(depth: depth)
        if take(UInt8(ascii: "}")) { return object }
        while true {
            try countMember()
            let nameStart = position
            guard position < octets.count, octets[position] == UInt8(ascii: "\"") else { throw unexpected("a name") }
            let name = try string()
            skipWhiteSpace()
            guard take(UInt8(ascii: ":")) else { throw unexpected("a colon") }
            skipWhiteSpace()
            guard object.append(name, try value(depth: depth)) else {
                throw JSONError(.duplicateName, at: nameStart, "a name stands twice in an object")
            }
            skipWhiteSpace()
            if take(UInt8(ascii: "}")) { return object }
            guard take(UInt8(ascii: ",")) else { throw unexpected("a comma or the object's end") }
            skipWhiteSpace()
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        try open(depth: depth)
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            try countMember()
            elements.append(try value(depth: depth))
            skipWhiteSpace()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw unexpected("a comma or the array's end") }
            skipWhiteSpace()
        }
    }

    /// Passes the bracket and the white space behind it.
    private mutating func open(depth: Int) throws(JSONError) {
        guard depth <= limits.depthMax else {
            throw JSONError(.tooDeep, at: position, "more than \(limits.depthMax) arrays and objects within each other")
        }
        position += 1
        skipWhiteSpace()
    }

    private mutating func countMember() throws(JSONError) {
        membersRead += 1
        guard membersRead <= limits.membersMax else {
            throw JSONError(.tooManyMembers, at: position, "more than \(limits.membersMax) members and elements")
        }
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount where !take(word.utf8Start[index]) { throw unexpected("\(word)") }
    }

    /// RFC 8259 section 6: no plus sign, no leading zero, digits on both sides of the point.
    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        var hasExponent = false
        if position < octets.count, octets[position] | 0x20 == UInt8(ascii: "e") {
            hasExponent = true
            position += 1
            if !take(UInt8(ascii: "-")) { _ = take(UInt8(ascii: "+")) }
            try digits()
        }
        let number = JSONNumber(valid: String(decoding: octets[start..<position], as: UTF8.self))
        // Up to 308 digits without an exponent are below the largest double.
        if hasExponent || position - start > 308 {
            guard number.double.isFinite else {
                throw JSONError(.numberOutOfRange, at: start, "a number beyond the range of a double")
            }
        }
        return number
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while position < octets.count, octets[position] &- 0x30 < 10 { position += 1 }
        guard position > start else { throw unexpected("a digit") }
    }

    mutating func take(_ octet: UInt8) -> Bool {
        guard position < octets.count, octets[position] == octet else { return false }
        position += 1
        return true
    }

    private mutating func skipWhiteSpace() {
        while position < octets.count {
            switch octets[position] {
            case 0x20, 0x0a, 0x0d, 0x09: position += 1
            default: return
            }
        }
    }

    func unexpected(_ wanted: String) -> JSONError {
        position < octets.count
            ? JSONError(.unexpectedOctet, at: position, "this is not \(wanted)")
            : JSONError(.unexpectedEnd, at: position, "the text ends where \(wanted) should be")
    }
}
