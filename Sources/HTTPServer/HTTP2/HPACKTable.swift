// The tables of HPACK: octets of names and values in one run, and entries that say where they stand.

import HTTP

/// One entry of a table; its value stands right behind its name.
struct HPACKEntry: Sendable {
    var nameStart: Int32
    var nameCount: Int32
    var valueCount: Int32
    var kind: HPACKFieldKind

    var size: Int { Int(nameCount) + Int(valueCount) + HPACKField.overhead }
}

/// The static table (RFC 7541 appendix A).
struct HPACKStaticTable: Sendable {
    let octets: [UInt8]
    /// By index less 1.
    let entries: [HPACKEntry]

    static let shared = HPACKStaticTable()

    private init() {
        var octets: [UInt8] = []
        entries = HPACKStaticTable.lines.map { name, value in
            let start = Int32(octets.count)
            octets += name.utf8
            octets += value.utf8
            var kind = HPACKFieldKind(name: name.utf8.span)
            kind.check(value: value.utf8.span)
            return HPACKEntry(
                nameStart: start,
                nameCount: Int32(name.utf8.count),
                valueCount: Int32(value.utf8.count),
                kind: kind
            )
        }
        self.octets = octets
    }

    /// The index of each known field's name; 0 where there is none.
    static let indexOfName: [UInt8] = {
        var table = [UInt8](repeating: 0, count: KnownField.allCases.count)
        for (index, line) in lines.enumerated().reversed() {
            let known = KnownField(name: line.name.utf8.span)
            if known != .other { table[Int(known.rawValue)] = UInt8(index + 1) }
        }
        return table
    }()

    private static let lines: [(name: String, value: String)] = [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
        (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
        (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
        ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
        ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
        ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""),
        ("content-length", ""), ("content-location", ""), ("content-range", ""), ("content-type", ""),
        ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
        ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
        ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
        ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""),
        ("retry-after", ""), ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""),
        ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
    ]
}

/// The dynamic table of one direction of one connection (RFC 7541 section 2.3.2).
///
/// Takes no memory while it is empty, and at most about twice ``sizeMax`` in octets when it is full: what was evicted
/// is cut off when there is as much of it as of what is left.
struct HPACKDynamicTable: Sendable {
    private(set) var octets: [UInt8] = []
    /// Entries from the oldest on; those before ``first`` are evicted.
    private var entries: [HPACKEntry] = []
    private var first = 0
    /// The sum of the entries' sizes.
    private(set) var size = 0
    /// What ``size`` must not exceed.
    private(set) var sizeMax: Int

    init(sizeMax: Int) {
        self.sizeMax = sizeMax
    }

    var count: Int { entries.count - first }

    /// The entry of that age, 0 the youngest; nil if there is none.
    func entry(_ age: Int) -> HPACKEntry? {
        age < count ? entries[entries.count - 1 - age] : nil
    }

    /// Sets the bound, evicting what is beyond it (RFC 7541 section 4.3).
    mutating func resize(to sizeMax: Int) {
        self.sizeMax = sizeMax
        evict(until: sizeMax)
    }

    /// Adds a field; one that is greater than the table leaves it empty, which is no error (section 4.4).
    mutating func insert(_ buffer: Span<UInt8>, _ field: HPACKField) {
        guard field.size <= sizeMax else { return evict(until: 0) }
        evict(until: sizeMax - field.size)
        let start = octets.count
        buffer.extracting(field.nameStart..<field.end).withUnsafeBufferPointer { octets.append(contentsOf: $0) }
        entries.append(
            HPACKEntry(
                nameStart: Int32(truncatingIfNeeded: start),
                nameCount: Int32(truncatingIfNeeded: field.name.count),
                valueCount: Int32(truncatingIfNeeded: field.value.count),
                kind: field.kind
            )
        )
        size += field.size
    }

    private mutating func evict(until bound: Int) {
        while size > bound, first < entries.count {
            size -= entries[first].size
            first += 1
        }
        guard first < entries.count else {
            octets.removeAll(keepingCapacity: true)
            entries.removeAll(keepingCapacity: true)
            first = 0
            return
        }
        guard first > 8, first * 2 > entries.count else { return }
        let gone = entries[first].nameStart
        octets.removeSubrange(..<Int(gone))
        entries.removeSubrange(..<first)
        for index in entries.indices { entries[index].nameStart -= gone }
        first = 0
    }
}
