// The Content-Range field: which octets a 206 carries, or how long what a 416 was asked about is (RFC 9110 section 14.4).

/// A Content-Range field in the `bytes` unit.
package struct ContentRange: Sendable, Equatable {
    /// The octets that the response carries, at least one; nil in a 416.
    package var range: Range<Int64>?
    /// The length of the whole representation; nil if it is not known, and then ``range`` is not.
    package var completeLength: Int64?

    /// Part of a representation: `bytes 0-9/100`, or `bytes 0-9/*`; `range` must not be empty.
    package init(range: Range<Int64>, completeLength: Int64?) {
        self.range = range
        self.completeLength = completeLength
    }

    /// No part of a representation of that length: `bytes */100`.
    package init(unsatisfiedOf completeLength: Int64) {
        self.completeLength = completeLength
    }

    /// The field of a response; nil if it is absent, repeated or malformed.
    package static func parse(_ fields: Fields) -> ContentRange? {
        let lines = fields.values(.contentRange)
        guard lines.count == 1, let line = lines.first else { return nil }
        return parse(line.span)
    }

    /// The value of one line; nil for other units, malformed ones, and ranges that contradict their length.
    package static func parse(_ text: Span<UInt8>) -> ContentRange? {
        guard
            text.count > 6, text.extracting(0..<6).equalsIgnoringCase("bytes "),
            let slash = (6..<text.count).first(where: { text[$0] == 0x2f })
        else { return nil }
        let after = text.extracting(slash + 1..<text.count)
        let isLengthKnown = !(after.count == 1 && after[0] == 0x2a)
        let length = isLengthKnown ? after.decimal : nil
        if isLengthKnown, length == nil { return nil }
        if slash == 7, text[6] == 0x2a {
            return length.map(ContentRange.init(unsatisfiedOf:))
        }
        guard
            let dash = (6..<slash).first(where: { text[$0] == 0x2d }),
            let first = text.extracting(6..<dash).decimal,
            let last = text.extracting(dash + 1..<slash).decimal,
            first <= last, last < length ?? .max
        else { return nil }
        return ContentRange(range: first..<last + 1, completeLength: length)
    }

    /// Appends the field's value.
    package func write(into output: inout [UInt8]) {
        output.append(contentsOf: "bytes ".utf8)
        if let range {
            output.append(decimal: range.lowerBound)
            output.append(0x2d)
            output.append(decimal: range.upperBound - 1)
        } else {
            output.append(0x2a)
        }
        output.append(0x2f)
        if let completeLength {
            output.append(decimal: completeLength)
        } else {
            output.append(0x2a)
        }
    }

    /// The field's value.
    package var text: String {
        var output: [UInt8] = []
        write(into: &output)
        return String(decoding: output, as: UTF8.self)
    }
}
