// From values to octets, each number and each length in its shortest form.

extension MessageValue {
    /// Appends its msgpack form: the smallest one, floats in 64 bits.
    func write(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(0xc0)
        case .bool(let isTrue): output.append(isTrue ? 0xc3 : 0xc2)
        case .integer(let number): Self.write(number, to: &output)
        case .unsigned(let number): Self.write(unsigned: number, to: &output)
        case .double(let number):
            output.append(0xcb)
            output.append(bigEndian: number.bitPattern, byteCount: 8)
        case .text(let text):
            var text = text
            text.withUTF8 { octets in
                Self.writeTextHead(octets.count, to: &output)
                output.append(contentsOf: octets)
            }
        case .binary(let octets): Self.write(binary: octets, to: &output)
        case .array(let elements):
            Self.writeArrayHead(elements.count, to: &output)
            for element in elements { element.write(to: &output) }
        case .map(let entries):
            Self.writeHead(entries.count, short: 0x80, shortMax: 15, 0xde, 0xdf, to: &output)
            for entry in entries {
                entry.key.write(to: &output)
                entry.value.write(to: &output)
            }
        case .extended(let type, let octets): Self.write(type, octets, to: &output)
        }
    }

    static func write(_ number: Int64, to output: inout [UInt8]) {
        if number >= 0 { return write(unsigned: UInt64(number), to: &output) }
        let bits = UInt64(bitPattern: number)
        switch number {
        case (-32)...: output.append(UInt8(truncatingIfNeeded: number))
        case (-0x80)...: output.append(code: 0xd0, bits, byteCount: 1)
        case (-0x8000)...: output.append(code: 0xd1, bits, byteCount: 2)
        case (-0x8000_0000)...: output.append(code: 0xd2, bits, byteCount: 4)
        default: output.append(code: 0xd3, bits, byteCount: 8)
        }
    }

    static func write(binary octets: [UInt8], to output: inout [UInt8]) {
        let length = UInt64(octets.count)
        switch length {
        case ..<0x100: output.append(code: 0xc4, length, byteCount: 1)
        case ..<0x1_0000: output.append(code: 0xc5, length, byteCount: 2)
        default: output.append(code: 0xc6, length, byteCount: 4)
        }
        output.append(contentsOf: octets)
    }

    /// What stands before `count` elements.
    static func writeArrayHead(_ count: Int, to output: inout [UInt8]) {
        writeHead(count, short: 0x90, shortMax: 15, 0xdc, 0xdd, to: &output)
    }

    private static func write(unsigned number: UInt64, to output: inout [UInt8]) {
        switch number {
        case ..<0x80: output.append(UInt8(number))
        case ..<0x100: output.append(code: 0xcc, number, byteCount: 1)
        case ..<0x1_0000: output.append(code: 0xcd, number, byteCount: 2)
        case ..<0x1_0000_0000: output.append(code: 0xce, number, byteCount: 4)
        default: output.append(code: 0xcf, number, byteCount: 8)
        }
    }

    private static func writeTextHead(_ length: Int, to output: inout [UInt8]) {
        switch length {
        case ..<32: output.append(0xa0 | UInt8(length))
        case ..<0x100: output.append(code: 0xd9, UInt64(length), byteCount: 1)
        case ..<0x1_0000: output.append(code: 0xda, UInt64(length), byteCount: 2)
        default: output.append(code: 0xdb, UInt64(length), byteCount: 4)
        }
    }

    private static func writeHead(
        _ count: Int,
        short: UInt8,
        shortMax: Int,
        _ code16: UInt8,
        _ code32: UInt8,
        to output: inout [UInt8]
    ) {
        switch count {
        case ...shortMax: output.append(short | UInt8(count))
        case ..<0x1_0000: output.append(code: code16, UInt64(count), byteCount: 2)
        default: output.append(code: code32, UInt64(count), byteCount: 4)
        }
    }

    private static func write(_ type: Int8, _ octets: [UInt8], to output: inout [UInt8]) {
        let length = UInt64(octets.count)
        switch length {
        case 1, 2, 4, 8, 16: output.append(0xd4 + UInt8(length.trailingZeroBitCount))
        case ..<0x100: output.append(code: 0xc7, length, byteCount: 1)
        case ..<0x1_0000: output.append(code: 0xc8, length, byteCount: 2)
        default: output.append(code: 0xc9, length, byteCount: 4)
        }
        output.append(UInt8(bitPattern: type))
        output.append(contentsOf: octets)
    }
}

extension [UInt8] {
    /// Appends the lowest `byteCount` octets of `bits`, the highest of them first.
    mutating func append(bigEndian bits: UInt64, byteCount: Int) {
        Swift.withUnsafeBytes(of: bits.bigEndian) { append(contentsOf: $0.suffix(byteCount)) }
    }

    fileprivate mutating func append(code: UInt8, _ bits: UInt64, byteCount: Int) {
        append(code)
        append(bigEndian: bits, byteCount: byteCount)
    }
}
