// From octets to values: one pass, with bounds, as they come from anybody.

/// Reads msgpack values one after another; every valid form is taken, the long ones too.
struct MessageReader {
    /// How deep arrays and maps may be in one another.
    static let depthMax = 64
    /// How many values there may be in all: each takes more room than its octet.
    static let valuesMax = 1 << 19
    /// The same for what is told in one message, beside what is said of it.
    static let itemsMax = valuesMax - 64
    /// What can be read, for people.
    static var readable: String { "at most \(itemsMax) values, up to \(depthMax) deep in one another" }

    private let octets: ArraySlice<UInt8>
    private var position: Int
    private var valuesLeft = Self.valuesMax

    /// A reader of `octets` from the first on.
    init(_ octets: ArraySlice<UInt8>) {
        self.octets = octets
        position = octets.startIndex
    }

    /// How many elements the array has that begins here; nil if none does.
    mutating func readArrayHead() -> Int? {
        guard let code = readOctet() else { return nil }
        switch code {
        case 0x90...0x9f: return Int(code & 0x0f)
        case 0xdc: return readCount(byteCount: 2)
        case 0xdd: return readCount(byteCount: 4)
        default: return nil
        }
    }

    /// The next value; nil if the octets are none, or too many or too deep for one.
    mutating func readValue() -> MessageValue? { readValue(depth: 0) }

    private mutating func readValue(depth: Int) -> MessageValue? {
        guard depth <= Self.depthMax, valuesLeft > 0, let code = readOctet() else { return nil }
        valuesLeft -= 1
        switch code {
        case 0x00...0x7f: return .integer(Int64(code))
        case 0x80...0x8f: return readMap(Int(code & 0x0f), depth)
        case 0x90...0x9f: return readArray(Int(code & 0x0f), depth)
        case 0xa0...0xbf: return readText(Int(code & 0x1f))
        case 0xc0: return .null
        case 0xc2, 0xc3: return .bool(code == 0xc3)
        case 0xc4...0xc6:
            return readCount(byteCount: 1 << Int(code - 0xc4)).flatMap { readOctets($0) }.map { .binary(Array($0)) }
        case 0xc7...0xc9: return readCount(byteCount: 1 << Int(code - 0xc7)).flatMap { readExtended($0) }
        case 0xca: return readBits(byteCount: 4).map { .double(Double(Float(bitPattern: UInt32($0)))) }
        case 0xcb: return readBits(byteCount: 8).map { .double(Double(bitPattern: $0)) }
        case 0xcc...0xcf: return readBits(byteCount: 1 << Int(code - 0xcc)).map(Self.number)
        case 0xd0...0xd3: return readSigned(byteCount: 1 << Int(code - 0xd0))
        case 0xd4...0xd8: return readExtended(1 << Int(code - 0xd4))
        case 0xd9...0xdb: return readCount(byteCount: 1 << Int(code - 0xd9)).flatMap { readText($0) }
        case 0xdc, 0xdd: return readCount(byteCount: code == 0xdc ? 2 : 4).flatMap { readArray($0, depth) }
        case 0xde, 0xdf: return readCount(byteCount: code == 0xde ? 2 : 4).flatMap { readMap($0, depth) }
        case 0xe0...0xff: return .integer(Int64(Int8(bitPattern: code)))
        default: return nil
        }
    }

    private static func number(_ bits: UInt64) -> MessageValue {
        Int64(exactly: bits).map { .integer($0) } ?? .unsigned(bits)
    }

    private mutating func readOctet() -> UInt8? {
        guard position < octets.endIndex else { return nil }
        defer { position += 1 }
        return octets[position]
    }

    private mutating func readOctets(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= octets.endIndex - position else { return nil }
        defer { position += count }
        return octets[position..<position + count]
    }

    private mutating func readBits(byteCount: Int) -> UInt64? {
        readOctets(byteCount)?.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func readCount(byteCount: Int) -> Int? { readBits(byteCount: byteCount).map { Int($0) } }

    private mutating func readSigned(byteCount: Int) -> MessageValue? {
        guard let bits = readBits(byteCount: byteCount) else { return nil }
        let unused = UInt64(64 - 8 * byteCount)
        return .integer(Int64(bitPattern: bits << unused) >> Int64(unused))
    }

    private mutating func readText(_ length: Int) -> MessageValue? {
        guard let slice = readOctets(length), let text = String(validating: slice, as: UTF8.self) else { return nil }
        return .text(text)
    }

    private mutating func readExtended(_ length: Int) -> MessageValue? {
        guard let type = readOctet(), let slice = readOctets(length) else { return nil }
        return .extended(Int8(bitPattern: type), Array(slice))
    }

    private mutating func readArray(_ count: Int, _ depth: Int) -> MessageValue? {
        // Each takes an octet at least, so a length that is a lie costs nothing.
        guard count <= octets.endIndex - position else { return nil }
        var elements: [MessageValue] = []
        elements.reserveCapacity(min(count, 1024))
        for _ in 0..<count {
            guard let element = readValue(depth: depth + 1) else { return nil }
            elements.append(element)
        }
        return .array(elements)
    }

    private mutating func readMap(_ count: Int, _ depth: Int) -> MessageValue? {
        guard 2 * count <= octets.endIndex - position else { return nil }
        var entries: [MessageValue.Entry] = []
        entries.reserveCapacity(min(count, 1024))
        for _ in 0..<count {
            guard let key = readValue(depth: depth + 1), let value = readValue(depth: depth + 1) else { return nil }
            entries.append(MessageValue.Entry(key, value))
        }
        return .map(entries)
    }
}
