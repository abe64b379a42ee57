// The content of a response with several ranges: delimiters, heads of parts, and how long it all is (RFC 9110 section 14.6).

/// A `multipart/byteranges` message without the octets of its parts, which the caller puts in between.
///
/// The content is, for each part, ``head(ofPart:)`` and the octets of its range, and at last ``end``.
package struct MultipartByteRanges: Sendable, Equatable {
    /// The octets of each part, in the order in which they are sent.
    package let ranges: [Range<Int64>]
    /// Octets of the whole message, heads and delimiters included.
    package let length: Int64
    private let completeLength: Int64?
    private let partType: [UInt8]?
    private let boundary: [UInt8]

    /// A message of `ranges` of a representation; nil if it would be longer than an `Int64` counts.
    ///
    /// The boundary is drawn anew for each message, out of 2^128: no content holds it by accident, and nobody can put it
    /// there by intent.
    ///
    /// - Parameters:
    ///   - ranges: At least one, none of them empty.
    ///   - completeLength: Of the whole representation; nil if that is not known.
    ///   - partType: The representation's Content-Type, if it has one: that of each part (RFC 9110 section 15.3.7.2).
    ///   - generator: Where the boundary comes from.
    package init?(
        ranges: [Range<Int64>],
        completeLength: Int64?,
        partType: ArraySlice<UInt8>?,
        using generator: inout some RandomNumberGenerator
    ) {
        self.ranges = ranges
        self.completeLength = completeLength
        self.partType = partType.map { Array($0) }
        var boundary: [UInt8] = []
        for _ in 0..<2 {
            let digits = String(generator.next() as UInt64, radix: 16)
            boundary += [UInt8](repeating: 0x30, count: 16 - digits.utf8.count) + digits.utf8
        }
        self.boundary = boundary
        var length = Int64(Self.end(boundary).count)
        for (index, range) in ranges.enumerated() {
            let head = Self.head(range, completeLength, self.partType, boundary, isFirst: index == 0)
            let (octets, isTooLong) = length.addingReportingOverflow(range.upperBound - range.lowerBound)
            guard !isTooLong, octets <= .max - Int64(head.count) else { return nil }
            length = octets + Int64(head.count)
        }
        self.length = length
    }

    /// The value of the response's own Content-Type.
    package var contentType: String { "multipart/byteranges; boundary=" + String(decoding: boundary, as: UTF8.self) }

    /// What stands before the octets of a part: the delimiter, its fields, and an empty line.
    package func head(ofPart index: Int) -> [UInt8] {
        Self.head(ranges[index], completeLength, partType, boundary, isFirst: index == 0)
    }

    /// What stands behind the last part.
    package var end: [UInt8] { Self.end(boundary) }

    private static func head(
        _ range: Range<Int64>,
        _ completeLength: Int64?,
        _ partType: [UInt8]?,
        _ boundary: [UInt8],
        isFirst: Bool
    ) -> [UInt8] {
        var head = Array((isFirst ? "--" : "\r\n--").utf8) + boundary
        if let partType { head += Array("\r\nContent-Type: ".utf8) + partType }
        head += "\r\nContent-Range: ".utf8
        ContentRange(range: range, completeLength: completeLength).write(into: &head)
        return head + "\r\n\r\n".utf8
    }

    private static func end(_ boundary: [UInt8]) -> [UInt8] {
        Array("\r\n--".utf8) + boundary + Array("--\r\n".utf8)
    }
}
