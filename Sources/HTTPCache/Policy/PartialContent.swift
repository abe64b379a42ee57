// What a 206 from an origin is, held against what was asked for (RFC 9110 section 15.3.7).

import HTTP

/// A 206: the one part that was asked for, something else that is true all the same, or a lie.
enum PartialContent: Equatable {
    /// The one part that was asked for, all of it: it may be stored.
    case asked(Range<Int64>, completeLength: Int64?)
    /// One part that describes itself soundly, but is less than was asked for: the client is to look (RFC 9110 section
    /// 15.3.7), the cache does not keep it.
    case lesser(Range<Int64>)
    /// Several parts, or parts in a unit that this cache does not know: only for the client that asked.
    case opaque
    /// It contradicts itself, or has what nobody asked for.
    case unsound

    /// What `response` is, whose status is 206.
    ///
    /// - Parameters:
    ///   - response: From the origin.
    ///   - asked: The ranges that it was asked for; none if the Range field cannot be read.
    ///   - hasRange: Whether it was asked with a Range field at all.
    init(_ response: Response, asked: [RangeSpec], hasRange: Bool) {
        guard hasRange else {
            self = .unsound
            return
        }
        if PartialContent.isMultipart(response.fields) {
            self = .opaque
            return
        }
        guard let part = ContentRange.parse(response.fields), let range = part.range else {
            let isOtherUnit = asked.isEmpty && PartialContent.isInOtherUnit(response.fields)
            self = isOtherUnit ? .opaque : .unsound
            return
        }
        let count = range.upperBound - range.lowerBound
        guard response.body.length ?? count == count, asked.contains(where: { $0.includes(part) }) else {
            self = .unsound
            return
        }
        let isAll = asked.count == 1 && asked.contains { $0.isAnswered(by: part) }
        self = isAll ? .asked(range, completeLength: part.completeLength) : .lesser(range)
    }

    /// Whether its content is parts with heads of their own (RFC 9110 section 14.6).
    static func isMultipart(_ fields: Fields) -> Bool {
        guard let type = fields[.contentType] else { return false }
        let span = type.span
        let end = (0..<span.count).first { span[$0] == 0x3b } ?? span.count
        return span.extracting(span.trimmingWhitespace(0..<end)).equalsIgnoringCase("multipart/byteranges")
    }

    private static func isInOtherUnit(_ fields: Fields) -> Bool {
        guard fields.values(.contentRange).count == 1, let line = fields[.contentRange] else { return false }
        return line.contains(0x20) && !(line.count >= 6 && line.span.extracting(0..<6).equalsIgnoringCase("bytes "))
    }
}
