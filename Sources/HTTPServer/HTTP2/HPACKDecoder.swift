// The decoder of HPACK (RFC 7541): a header block to fields, one at a time, into a buffer of the caller's.

import HTTP

/// Why a header block cannot be decoded: a connection error (RFC 9113 section 4.3).
enum HPACKError: Error, Sendable, Equatable {
    case endedEarly, integerTooLarge, badIndex, badHuffman, badSizeUpdate
}

/// Decodes the header blocks of one connection in their order.
///
/// Bounded: an integer takes at most five octets, a string is never longer than 8/5 of the block, and an indexed field
/// never longer than the table. Summing up many fields of one block is up to the caller, who may cut the buffer back
/// after each.
struct HPACKDecoder: Sendable {
    private var table: HPACKDynamicTable
    private let statics = HPACKStaticTable.shared
    private let huffman = HPACKHuffman.shared
    /// What we allow the other side to make of the table.
    private let tableSizeLimit: Int

    init(tableSizeLimit: Int) {
        self.tableSizeLimit = tableSizeLimit
        table = HPACKDynamicTable(sizeMax: tableSizeLimit)
    }

    /// The size of the dynamic table now.
    var tableSize: Int { table.size }

    /// Reads the size updates that a block may begin with (section 4.2); returns where its fields begin.
    mutating func begin(_ block: Span<UInt8>) throws(HPACKError) -> Int {
        var at = 0
        while at < block.count, block[at] & 0xe0 == 0x20 {
            let size = try HPACKDecoder.integer(block, &at, prefixBits: 5)
            guard size <= tableSizeLimit else { throw .badSizeUpdate }
            table.resize(to: size)
        }
        return at
    }

    /// The field at `at`, its octets appended to `buffer`; moves `at` behind it.
    mutating func next(
        _ block: Span<UInt8>,
        at: inout Int,
        into buffer: inout [UInt8]
    ) throws(HPACKError) -> HPACKField {
        let first = block[at]
        if first & 0x80 != 0 { return try indexed(block, &at, &buffer) }
        let isIndexing = first & 0x40 != 0
        // Size updates are for the beginning of a block only.
        guard isIndexing || first & 0x20 == 0 else { throw .badSizeUpdate }
        let index = try HPACKDecoder.integer(block, &at, prefixBits: isIndexing ? 6 : 4)
        let nameStart = buffer.count
        var kind: HPACKFieldKind
        if index == 0 {
            try string(block, &at, &buffer)
            kind = HPACKFieldKind(name: buffer.span.extracting(nameStart...))
        } else {
            kind = try copy(index, withValue: false, &buffer).kind
        }
        let valueStart = buffer.count
        try string(block, &at, &buffer)
        kind.check(value: buffer.span.extracting(valueStart...))
        let field = HPACKField(nameStart: nameStart, valueStart: valueStart, end: buffer.count, kind: kind)
        if isIndexing { table.insert(buffer.span, field) }
        return field
    }

    private func indexed(
        _ block: Span<UInt8>,
        _ at: inout Int,
        _ buffer: inout [UInt8]
    ) throws(HPACKError) -> HPACKField {
        let index = try HPACKDecoder.integer(block, &at, prefixBits: 7)
        let start = buffer.count
        let entry = try copy(index, withValue: true, &buffer)
        return HPACKField(
            nameStart: start,
            valueStart: start + Int(entry.nameCount),
            end: buffer.count,
            kind: entry.kind
        )
    }

    /// Appends the name of the entry of that index to `buffer`, and its value if that is wanted.
    private func copy(_ index: Int, withValue: Bool, _ buffer: inout [UInt8]) throws(HPACKError) -> HPACKEntry {
        guard index > 0 else { throw .badIndex }
        if index <= statics.entries.count {
            let entry = statics.entries[index - 1]
            append(statics.octets, entry, withValue, &buffer)
            return entry
        }
        guard let entry = table.entry(index - statics.entries.count - 1) else { throw .badIndex }
        append(table.octets, entry, withValue, &buffer)
        return entry
    }

    private func append(_ octets: [UInt8], _ entry: HPACKEntry, _ withValue: Bool, _ buffer: inout [UInt8]) {
        let start = Int(entry.nameStart)
        let end = start + Int(entry.nameCount) + (withValue ? Int(entry.valueCount) : 0)
        octets.span.extracting(start..<end).withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    }

    /// Appends a string literal (section 5.2).
    private func string(_ block: Span<UInt8>, _ at: inout Int, _ buffer: inout [UInt8]) throws(HPACKError) {
        guard at < block.count else { throw .endedEarly }
        let isHuffman = block[at] & 0x80 != 0
        let count = try HPACKDecoder.integer(block, &at, prefixBits: 7)
        guard count <= block.count - at else { throw .endedEarly }
        let octets = block.extracting(at..<at + count)
        at += count
        if isHuffman {
            guard huffman.decode(octets, into: &buffer) else { throw .badHuffman }
        } else {
            octets.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
        }
    }

    /// An integer with a prefix (section 5.1); at most 2^28 + 2^7, in at most five octets.
    static func integer(_ block: Span<UInt8>, _ at: inout Int, prefixBits: Int) throws(HPACKError) -> Int {
        guard at < block.count else { throw .endedEarly }
        let most = (1 << prefixBits) - 1
        let first = Int(block[at]) & most
        at += 1
        guard first == most else { return first }
        var value = most
        for shift in stride(from: 0, through: 21, by: 7) {
            guard at < block.count else { throw .endedEarly }
            let octet = block[at]
            at += 1
            value += Int(octet & 0x7f) << shift
            if octet & 0x80 == 0 { return value }
        }
        throw .integerTooLarge
    }
}
