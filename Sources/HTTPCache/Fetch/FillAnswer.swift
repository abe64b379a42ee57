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

    init(_ response: Response, range: Range<Int64>, length: Int64?, entityTag stored: Validators) {
        let validators = Validators(response.fields, received: Timestamp(seconds: 0))
        let isSame = stored.strongEntityTag != nil && validators.strongEntityTag == stored.strongEntityTag
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
