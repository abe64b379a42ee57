// Reads a payload of which the canonical form has one spelling: members in order, no white space, nothing escaped.

/// A cursor over canonical JSON (RFC 8785) whose members are known.
///
/// None of the strings of this protocol can hold what canonical JSON escapes, so a reverse solidus is refused as such.
struct PayloadReader {
    private let octets: [UInt8]
    private var position = 0

    init(_ octets: [UInt8]) {
        self.octets = octets
    }

    /// Integers are below 2^53 (RFC 7493 section 2.2).
    static let integerMax: UInt64 = 1 << 53 - 1

    var isAtEnd: Bool { position == octets.count }

    /// Passes `text` if it is next.
    mutating func skip(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard octets.count - position >= count else { return false }
        for index in 0..<count where octets[position + index] != text.utf8Start[index] { return false }
        position += count
        return true
    }

    /// Passes `text`, which must be next.
    mutating func expect(_ text: StaticString) throws(PeerIdentityError) {
        guard skip(text) else {
            throw PeerIdentityError(.notCanonical, "the payload should have \(text) at octet \(position)")
        }
    }

    /// The rest of a string up to its quotation mark, which is passed.
    mutating func string() throws(PeerIdentityError) -> ArraySlice<UInt8> {
        let start = position
        while position < octets.count, octets[position] != UInt8(ascii: "\"") {
            guard octets[position] != UInt8(ascii: "\\"), octets[position] >= 0x20 else {
                throw PeerIdentityError(
                    .notCanonical,
                    "a string of the payload has what cannot stand in it, at octet \(position)"
                )
            }
            position += 1
        }
        guard position < octets.count else { throw PeerIdentityError(.malformed, "the payload ends within a string") }
        position += 1
        return octets[start..<position - 1]
    }

    /// The same as text.
    mutating func text() throws(PeerIdentityError) -> String {
        guard let text = String(validating: try string(), as: UTF8.self) else {
            throw PeerIdentityError(.malformed, "a string of the payload is not UTF-8")
        }
        return text
    }

    /// The same as `count` octets in base64url.
    mutating func binary(_ count: Int, _ member: StaticString) throws(PeerIdentityError) -> [UInt8] {
        guard let binary = Base64URL.decode(try string()), binary.count == count else {
            throw PeerIdentityError(.badKey, "member \(member) has \(count) octets in base64url")
        }
        return binary
    }

    /// A whole number below 2^53, without a sign.
    mutating func integer() throws(PeerIdentityError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        while position < octets.count, octets[position] &- 0x30 < 10, position - start < 17 {
            value = value * 10 + UInt64(octets[position] - 0x30)
            position += 1
        }
        guard position > start, value <= Self.integerMax, position == start + 1 || octets[start] != UInt8(ascii: "0")
        else {
            throw PeerIdentityError(.malformed, "the payload should have a whole number below 2^53 at octet \(start)")
        }
        return value
    }
}
