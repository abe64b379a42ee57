// HPACK: no block stops the decoder, and a table never grows beyond its limit, over any number of blocks.

import HTTP

@testable import HTTPServer

/// Octets: header blocks, each behind one octet that counts it.
struct HPACKFuzz: FuzzTarget {
    func run(_ octets: [UInt8]) {
        var decoder = HPACKDecoder(tableSizeLimit: 4096)
        var rest = octets[...]
        while let count = rest.popFirst() {
            let block = Array(rest.prefix(Int(count)))
            rest = rest.dropFirst(block.count)
            do throws(HPACKError) {
                var at = try decoder.begin(block.span)
                while at < block.count {
                    let before = at
                    var buffer: [UInt8] = []
                    let field = try decoder.next(block.span, at: &at, into: &buffer)
                    hold(at > before && at <= block.count, "a field of no octets, or of more than there are")
                    hold(field.name.lowerBound >= 0 && field.value.upperBound <= buffer.count, "a field out of bounds")
                    hold(field.name.upperBound <= field.value.lowerBound, "a name within its value")
                    check(field, buffer)
                    hold(decoder.tableSize <= 4096, "a table beyond its limit")
                }
            } catch {
                return
            }
        }
    }

    /// What is called valid is so.
    private func check(_ field: HPACKField, _ buffer: [UInt8]) {
        if field.kind.isNameValid, field.kind.pseudo == .none {
            let name = buffer[field.name]
            hold(
                !name.isEmpty && name.allSatisfy { Octet.isToken($0) && !(0x41...0x5a).contains($0) },
                "a name that is none"
            )
        }
        if field.kind.isValueValid {
            hold(!buffer[field.value].contains { $0 == 0 || $0 == 10 || $0 == 13 }, "a line end or NUL in a value")
        }
    }

    var seeds: [[UInt8]] {
        // RFC 7541 appendix C: requests without and with Huffman codes, a response, a size update.
        [
            [10, 0x82, 0x86, 0x84, 0x41, 3, 0x77, 0x77, 0x77, 0x88, 0x87], [5, 0x20, 0x82, 0x40, 1, 0x78],
            [17, 0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff],
            [5, 0x3f, 0xe1, 0x1f, 0x88, 0xbe, 3, 0x7f, 0xff, 0xff], [6, 0, 1, 0x3a, 2, 0x0d, 0x0a],
            [4, 0x10, 1, 0x41, 0],
        ]
    }
}
