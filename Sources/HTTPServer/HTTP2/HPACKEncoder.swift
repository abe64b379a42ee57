// The encoder of HPACK (RFC 7541): response fields to a header block, without a dynamic table.
//
// A dynamic table would save the client some octets of each response, and cost the server a look-up for each field and
// up to 4 KiB for each connection. Names of the static table are indexed; values go as they are, since Huffman coding
// costs more time than the octets that it saves.

import HTTP

/// Writes header blocks; every one can be decoded whatever came before it.
enum HPACKEncoder {
    /// Says that the dynamic table stays empty (section 4.2): to be sent first in the first block of a connection, so
    /// that no later setting of the client's needs an answer.
    static let emptyTable: UInt8 = 0x20

    /// Appends the field `:status`; `status` is 100 to 999.
    static func append(status: Int, to block: inout [UInt8]) {
        switch status {
        case 200: block.append(0x88)
        case 204: block.append(0x89)
        case 206: block.append(0x8a)
        case 304: block.append(0x8b)
        case 400: block.append(0x8c)
        case 404: block.append(0x8d)
        case 500: block.append(0x8e)
        default:
            block.append(0x08)
            block.append(3)
            block.append(0x30 &+ UInt8(truncatingIfNeeded: status / 100 % 10))
            block.append(0x30 &+ UInt8(truncatingIfNeeded: status / 10 % 10))
            block.append(0x30 &+ UInt8(truncatingIfNeeded: status % 10))
        }
    }

    /// Appends a field whose name may have upper-case letters, which are sent in lower case (RFC 9113 section 8.2).
    static func append(_ name: Span<UInt8>, _ known: KnownField, _ value: Span<UInt8>, to block: inout [UInt8]) {
        // Section 7.1.3: what must not be guessed from sizes is not for tables further on either.
        let pattern: UInt8 = known == .setCookie ? 0x10 : 0x00
        let index = Int(HPACKStaticTable.indexOfName[Int(known.rawValue)])
        append(integer: index, prefixBits: 4, pattern: pattern, to: &block)
        if index == 0 {
            append(integer: name.count, prefixBits: 7, pattern: 0, to: &block)
            let start = block.count
            name.withUnsafeBufferPointer { block.append(contentsOf: $0) }
            for at in start..<block.count { block[at] = Octet.lowercased(block[at]) }
        }
        append(integer: value.count, prefixBits: 7, pattern: 0, to: &block)
        value.withUnsafeBufferPointer { block.append(contentsOf: $0) }
    }

    /// Appends an integer with a prefix (section 5.1).
    static func append(integer: Int, prefixBits: Int, pattern: UInt8, to block: inout [UInt8]) {
        let most = (1 << prefixBits) - 1
        guard integer >= most else {
            return block.append(pattern | UInt8(truncatingIfNeeded: integer))
        }
        block.append(pattern | UInt8(truncatingIfNeeded: most))
        var rest = integer - most
        while rest >= 128 {
            block.append(UInt8(truncatingIfNeeded: rest & 0x7f) | 0x80)
            rest >>= 7
        }
        block.append(UInt8(truncatingIfNeeded: rest))
    }
}
