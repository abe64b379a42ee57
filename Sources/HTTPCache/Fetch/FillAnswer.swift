// What an origin's answer to a request for missing octets is worth.

import HTTP

/// Whether a response may be combined with what is held (RFC 9111 section 3.4, RFC 9110 section 15.3.7.3).
enum FillAnswer: Equatable {
    /// 206 with exactly the octets that were asked for, of the representation that is held.
    case asked
    /// 200 of the same representation: the origin ignored the Range field.
    case whole
    /// Another representation, or one that cannot be told to be the same.
    case changed(String)
    /// The same representation, but not the octets that were asked for: what is held stays.
    case wrong(String)
    /// No representation at all, by status.
    case refused(Int)

    /// What `response` is worth for `range` of what is stored.
    ///
    /// - Parameters:
    ///   - response: From the origin.
    ///   - range: What it was asked for.
    ///   - length: The stored representation's, if known.
    ///   - stored: The stored fields.
    init(_ response: Response, range: Range<Int64>, length: Int64?, stored: Fields) {
        let isSame = FillAnswer.isSame(response.fields, stored)
        switch response.status {
        case 206:
            self = isSame ? .part(response, range, length) : .changed("its entity tag is another")
        case 200:
            let isLengthSame = response.body.length == nil || length == nil || response.body.length == length
            self = isSame && isLengthSame ? .whole : .changed("it sent a new one")
        case 416:
            self = .changed("it is shorter")
        case 404, 410:
            self = .changed("it is gone")
        default:
            self = .refused(response.status)
        }
    }

    /// Whether both are of one representation: the same strong tag, and no sign that an origin uses it for two codings.
    static func isSame(_ fields: Fields, _ stored: Fields) -> Bool {
        let epoch = Timestamp(seconds: 0)
        guard let tag = Validators(stored, received: epoch).strongEntityTag,
            Validators(fields, received: epoch).strongEntityTag == tag
        else { return false }
        // RFC 9110 section 15.3.7: an answer to If-Range need not repeat what describes the representation.
        let coding = fields.values(.contentEncoding)
        return coding.isEmpty || coding == stored.values(.contentEncoding)
    }

    private static func part(_ response: Response, _ range: Range<Int64>, _ length: Int64?) -> FillAnswer {
        if let length, let told = ContentRange.parse(response.fields)?.completeLength, told != length {
            return .changed("its length is another")
        }
        let asked = RangeSpec.closed(range.lowerBound, range.upperBound - 1)
        let part = PartialContent(response, asked: [asked], hasRange: true)
        guard case .asked(let sent, _) = part, sent == range else {
            return .wrong("it sent other octets than were asked for")
        }
        return .asked
    }
}
