// What is kept of a stored response besides its body, and how that is written down.

package import HTTP

/// The head of a stored response with what is needed to reuse it: everything but key, identifier and body.
package struct ResponseMetadata: Sendable, Equatable {
    package var status: Int
    /// The response's fields; never a Content-Length or Content-Range, which the body's facts give.
    package var fields: Fields
    /// The fields of the request that the response's Vary names (RFC 9111 section 4.1), as they were sent.
    package var selecting: Fields
    /// When the request was sent (RFC 9111 section 4.2.3).
    package var requestTime: Timestamp
    /// When the response's head arrived.
    package var responseTime: Timestamp

    package init(
        status: Int,
        fields: Fields,
        selecting: Fields,
        requestTime: Timestamp,
        responseTime: Timestamp
    ) {
        self.status = status
        self.fields = fields
        self.selecting = selecting
        self.requestTime = requestTime
        self.responseTime = responseTime
    }

    /// The octets that a store keeps: integers big-endian; version 1.
    package var encoded: [UInt8] {
        var output = MetadataWriter()
        output.bytes.reserveCapacity(
            23 + fields.bytes.count + selecting.bytes.count + 6 * (fields.lines.count + selecting.lines.count)
        )
        output.append(1, bytes: 1)
        output.append(UInt64(status), bytes: 2)
        output.append(UInt64(bitPattern: requestTime.nanoseconds), bytes: 8)
        output.append(UInt64(bitPattern: responseTime.nanoseconds), bytes: 8)
        output.append(fields)
        output.append(selecting)
        return output.bytes
    }

    /// Reads ``encoded``; nil if the octets are not that.
    package init?(encoded: [UInt8]) {
        var input = MetadataReader(bytes: encoded)
        guard input.integer(1) == 1, let status = input.integer(2), let requestTime = input.integer(8),
            let responseTime = input.integer(8), let fields = input.fields(), let selecting = input.fields(),
            input.isAtEnd
        else { return nil }
        self.init(
            status: Int(status),
            fields: fields,
            selecting: selecting,
            requestTime: Timestamp(nanoseconds: Int64(bitPattern: requestTime)),
            responseTime: Timestamp(nanoseconds: Int64(bitPattern: responseTime))
        )
    }
}

private struct MetadataWriter {
    var bytes: [UInt8] = []

    mutating func append(_ value: UInt64, bytes count: Int) {
        for shift in stride(from: (count - 1) * 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    mutating func append(_ fields: Fields) {
        append(UInt64(fields.lines.count), bytes: 2)
        for line in fields.lines {
            append(UInt64(line.nameCount), bytes: 2)
            append(UInt64(line.valueCount), bytes: 4)
            bytes.append(contentsOf: fields.name(of: line))
            bytes.append(contentsOf: fields.value(of: line))
        }
    }
}

private struct MetadataReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func integer(_ count: Int) -> UInt64? {
        guard bytes.count - position >= count else { return nil }
        defer { position += count }
        return bytes[position..<position + count].reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func octets(_ count: UInt64) -> ArraySlice<UInt8>? {
        guard UInt64(bytes.count - position) >= count else { return nil }
        defer { position += Int(count) }
        return bytes[position..<position + Int(count)]
    }

    mutating func fields() -> Fields? {
        guard let count = integer(2) else { return nil }
        var fields = Fields()
        for _ in 0..<count {
            guard let nameCount = integer(2), let valueCount = integer(4), let name = octets(nameCount),
                let value = octets(valueCount)
            else { return nil }
            fields.append(name: name, value: value)
        }
        return fields
    }
}
