// A JSON value as it was written: the order of members and the digits of numbers are kept.

/// Any JSON value (RFC 8259).
///
/// Two are equal if they say the same: strings by code points (never by Unicode's canonical equivalence), numbers by
/// their exact value, objects by name whatever the order of their members (as RFC 6902 section 4.6 compares).
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads one JSON text, nothing before or after it but white space.
    ///
    /// Linear in the octets. Names that stand twice in an object, invalid UTF-8, lone surrogates and numbers beyond
    /// the range of a double are refused (RFC 8259 sections 4, 6, 8; RFC 7493).
    ///
    /// - Parameters:
    ///   - octets: UTF-8 without a byte order mark.
    ///   - limits: What is refused for its size.
    /// - Throws: ``JSONError``, which says what was wrong and at which octet.
    package init(parsing octets: some Collection<UInt8>, limits: JSONLimits = .standard) throws(JSONError) {
        guard octets.count <= limits.octetsMax else {
            throw JSONError(.tooLarge, at: limits.octetsMax, "more than \(limits.octetsMax) octets")
        }
        var parser = JSONParser(Array(octets), limits: limits)
        self = try parser.document()
    }

    /// The shortest JSON text of it: members in their order, numbers in their digits.
    package var encoded: [UInt8] {
        var writer = JSONWriter(isCanonical: false)
        writer.append(self)
        return writer.octets
    }

    /// The canonical JSON text of it (RFC 8785): members sorted by UTF-16 code units, numbers as ECMAScript writes them.
    ///
    /// A number that a double does not hold is rounded, as RFC 8785 section 3.2.2.3 has it.
    package var canonical: [UInt8] {
        var writer = JSONWriter(isCanonical: true)
        writer.append(self)
        return writer.octets
    }
}

extension JSONValue {
    package var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }

    /// The truth value, if it is one.
    package var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The number, if it is one.
    package var numberValue: JSONNumber? {
        guard case .number(let value) = self else { return nil }
        return value
    }

    /// The number, if it is a whole one that fits.
    package var int64Value: Int64? { numberValue?.int64 }

    /// The text, if it is a string.
    package var stringValue: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The elements, if it is an array.
    package var arrayValue: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The object, if it is one.
    package var objectValue: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    /// The member of that name; nil if it is not an object or has none.
    package subscript(name: String) -> JSONValue? { objectValue?[name] }
}

extension JSONValue: Equatable {
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameCodePoints(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

extension String {
    /// Whether both spell the same code points: `==` would take é and e with an accent for the same.
    func hasSameCodePoints(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    package init(nilLiteral: ()) { self = .null }

    package init(booleanLiteral value: Bool) { self = .bool(value) }

    package init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self = .string(value) }
}

extension JSONValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

extension JSONValue: CustomStringConvertible {
    package var description: String { String(decoding: encoded, as: UTF8.self) }
}
