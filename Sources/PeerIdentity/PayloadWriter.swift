// Writes a payload of which the canonical form has one spelling.

/// Octets of a canonical JSON text (RFC 8785) whose members are written in order and hold nothing to be escaped.
struct PayloadWriter {
    private(set) var octets: [UInt8] = []

    init() {
        octets.reserveCapacity(512)
    }

    mutating func append(_ text: StaticString) {
        octets.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(text: String) {
        octets.append(contentsOf: text.utf8)
    }

    mutating func append(base64URL binary: [UInt8]) {
        Base64URL.append(binary, to: &octets)
    }

    mutating func append(_ value: UInt64) {
        octets.append(contentsOf: String(value).utf8)
    }
}
