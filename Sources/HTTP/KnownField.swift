// The field names that the server and the cache act on, each as one byte, so that a hit never compares strings.

/// A field name with meaning to this package; everything else is ``other`` and passes through untouched.
///
/// Source: the IANA HTTP Field Name Registry; each rule's section is cited where it is applied.
@usableFromInline
package enum KnownField: UInt8, Sendable, CaseIterable {
    case other = 0
    case accept
    case acceptEncoding
    case acceptLanguage
    case acceptRanges
    case age
    case authorization
    case cacheControl
    case cacheStatus
    case cdnCacheControl
    case cdnLoop
    case connection
    case contentEncoding
    case contentLanguage
    case contentLength
    case contentLocation
    case contentRange
    case contentType
    case cookie
    case date
    case etag
    case expect
    case expires
    case host
    case ifMatch
    case ifModifiedSince
    case ifNoneMatch
    case ifRange
    case ifUnmodifiedSince
    case keepAlive
    case lastModified
    case location
    case pragma
    case proxyAuthenticate
    case proxyAuthorization
    case proxyConnection
    case proxyStatus
    case range
    case retryAfter
    case server
    case setCookie
    case te
    case trailer
    case transferEncoding
    case upgrade
    case vary
    case via

    /// The name in lower case, as it is compared.
    package var name: StaticString {
        switch self {
        case .other: ""
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .acceptLanguage: "accept-language"
        case .acceptRanges: "accept-ranges"
        case .age: "age"
        case .authorization: "authorization"
        case .cacheControl: "cache-control"
        case .cacheStatus: "cache-status"
        case .cdnCacheControl: "cdn-cache-control"
        case .cdnLoop: "cdn-loop"
        case .connection: "connection"
        case .contentEncoding: "content-encoding"
        case .contentLanguage: "content-language"
        case .contentLength: "content-length"
        case .contentLocation: "content-location"
        case .contentRange: "content-range"
        case .contentType: "content-type"
        case .cookie: "cookie"
        case .date: "date"
        case .etag: "etag"
        case .expect: "expect"
        case .expires: "expires"
        case .host: "host"
        case .ifMatch: "if-match"
        case .ifModifiedSince: "if-modified-since"
        case .ifNoneMatch: "if-none-match"
        case .ifRange: "if-range"
        case .ifUnmodifiedSince: "if-unmodified-since"
        case .keepAlive: "keep-alive"
        case .lastModified: "last-modified"
        case .location: "location"
        case .pragma: "pragma"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyConnection: "proxy-connection"
        case .proxyStatus: "proxy-status"
        case .range: "range"
        case .retryAfter: "retry-after"
        case .server: "server"
        case .setCookie: "set-cookie"
        case .te: "te"
        case .trailer: "trailer"
        case .transferEncoding: "transfer-encoding"
        case .upgrade: "upgrade"
        case .vary: "vary"
        case .via: "via"
        }
    }

    /// The field that `name` spells in any letter case, or ``other``.
    ///
    /// Cost: length, first and last letter leave one candidate, then one comparison.
    package init(name: Span<UInt8>) {
        self = .other
        let count = name.count
        guard count > 1 else { return }
        let candidate = KnownField.candidate(count, first: name[0] | 0x20, last: name[count - 1] | 0x20)
        if candidate != .other, name.equalsIgnoringCase(candidate.name) { self = candidate }
    }

    /// The only field of that length that begins and ends so.
    private static func candidate(_ count: Int, first: UInt8, last: UInt8) -> KnownField {
        switch count {
        case 2: .te
        case 3:
            switch first {
            case 0x61: .age
            case 0x76: .via
            default: .other
            }
        case 4:
            switch first {
            case 0x64: .date
            case 0x65: .etag
            case 0x68: .host
            case 0x76: .vary
            default: .other
            }
        case 5: .range
        case 6:
            switch first {
            case 0x61: .accept
            case 0x63: .cookie
            case 0x65: .expect
            case 0x70: .pragma
            case 0x73: .server
            default: .other
            }
        case 7:
            switch first {
            case 0x65: .expires
            case 0x74: .trailer
            case 0x75: .upgrade
            default: .other
            }
        case 8:
            switch last {
            case 0x70: .cdnLoop
            case 0x68: .ifMatch
            case 0x65: .ifRange
            case 0x6e: .location
            default: .other
            }
        case 10:
            switch first {
            case 0x63: .connection
            case 0x6b: .keepAlive
            case 0x73: .setCookie
            default: .other
            }
        case 11: .retryAfter
        case 12:
            switch (first, last) {
            case (0x63, 0x73): .cacheStatus
            case (0x63, 0x65): .contentType
            case (0x70, 0x73): .proxyStatus
            default: .other
            }
        case 13:
            switch last {
            case 0x73: .acceptRanges
            case 0x6e: .authorization
            case 0x6c: .cacheControl
            case 0x65: .contentRange
            case 0x68: .ifNoneMatch
            case 0x64: .lastModified
            default: .other
            }
        case 14: .contentLength
        case 15:
            switch last {
            case 0x67: .acceptEncoding
            case 0x65: .acceptLanguage
            default: .other
            }
        case 16:
            switch (first, last) {
            case (0x63, 0x67): .contentEncoding
            case (0x63, 0x65): .contentLanguage
            case (0x63, 0x6e): .contentLocation
            case (0x70, 0x6e): .proxyConnection
            default: .other
            }
        case 17:
            switch first {
            case 0x63: .cdnCacheControl
            case 0x69: .ifModifiedSince
            case 0x74: .transferEncoding
            default: .other
            }
        case 18: .proxyAuthenticate
        case 19:
            switch first {
            case 0x69: .ifUnmodifiedSince
            case 0x70: .proxyAuthorization
            default: .other
            }
        default: .other
        }
    }
}

/// A set of known fields in one word: which of them a head carries.
@usableFromInline
package struct KnownFieldSet: Sendable, Equatable, ExpressibleByArrayLiteral {
    @usableFromInline
    package private(set) var bits: UInt64 = 0

    /// The set of `elements`.
    @usableFromInline
    package init(arrayLiteral elements: KnownField...) {
        for element in elements { insert(element) }
    }

    /// Adds `field`; ``KnownField/other`` is a member like any.
    @inlinable
    package mutating func insert(_ field: KnownField) {
        bits |= 1 << UInt64(field.rawValue)
    }

    /// Whether `field` is in the set.
    @inlinable
    package func contains(_ field: KnownField) -> Bool {
        bits & (1 << UInt64(field.rawValue)) != 0
    }

    /// Whether no field is in both sets.
    @inlinable
    package func isDisjoint(with other: KnownFieldSet) -> Bool {
        bits & other.bits == 0
    }
}
