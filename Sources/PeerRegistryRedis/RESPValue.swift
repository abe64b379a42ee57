// What Redis answers, and what it is asked, in its serialization protocol.

/// A value of RESP2 or RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
///
/// What differs in form only is one case: big numbers and doubles are kept as their text, verbatim strings without
/// their format, sets as arrays, bulk errors as errors; attributes are dropped.
package enum RESPValue: Sendable, Hashable {
    /// A simple string, a bulk string, a verbatim string, a double or a big number.
    case string([UInt8])
    case integer(Int64)
    case bool(Bool)
    /// Redis refused: its words begin with a code such as `NOSCRIPT`.
    case error(String)
    /// An array or a set.
    case array([RESPValue])
    /// A map, flattened: key, value, key, value.
    case map([RESPValue])
    /// Out of band: not the answer to a command.
    case push([RESPValue])
    case null

    /// The octets of a string.
    var octets: [UInt8]? {
        if case .string(let octets) = self { octets } else { nil }
    }

    /// A number, be it sent as an integer or as text.
    var number: UInt64? {
        switch self {
        case .integer(let number): UInt64(exactly: number)
        case .string(let octets): Self.number(octets)
        default: nil
        }
    }

    /// The elements of an array.
    var elements: [RESPValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// Digits only.
    static func number(_ octets: some Sequence<UInt8>) -> UInt64? {
        var result: UInt64?
        for octet in octets {
            guard octet >= 0x30, octet <= 0x39 else { return nil }
            let (product, isTooLarge) = (result ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt64(octet - 0x30))
            guard !isTooLarge, !overflow else { return nil }
            result = sum
        }
        return result
    }
}

/// A command: its name and arguments, none of which needs quoting.
struct RESPCommand: Sendable, Hashable {
    /// As it goes over the wire: an array of bulk strings.
    private(set) var octets: [UInt8]

    init(_ words: [[UInt8]]) {
        octets = []
        octets.reserveCapacity(words.reduce(16) { $0 + $1.count + 16 })
        octets.append(contentsOf: "*\(words.count)\r\n".utf8)
        for word in words {
            octets.append(contentsOf: "$\(word.count)\r\n".utf8)
            octets.append(contentsOf: word)
            octets.append(contentsOf: [0x0d, 0x0a])
        }
    }

    /// A command of text alone.
    init(_ words: String...) {
        self.init(words.map { Array($0.utf8) })
    }
}
