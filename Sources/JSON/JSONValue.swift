// A JSON value as it was written: the order of members and the digits of numbers are kept.

/// Any JSON value (RFC 8259).
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// A number in the digits in which it was written (RFC 8259 section 6).
package struct JSONNumber: Sendable {
    /// The literal, as valid JSON.
    package let literal: String

    package init(_ value: Int64) {
        literal = String(value)
    }
}

/// Members in the order in which they were written; a name stands once.
package struct JSONObject: Sendable {
    package private(set) var members: [(name: String, value: JSONValue)] = []

    package init() {}
}

extension JSONNumber: Equatable {
    package static func == (left: JSONNumber, right: JSONNumber) -> Bool { left.literal == right.literal }
}

extension JSONObject: Equatable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) { $0.name == $1.name && $0.value == $1.value }
    }
}
