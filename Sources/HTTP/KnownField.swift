// The field names that the server and the cache act on, each as one byte, so that a hit never compares strings.

/// A field name with meaning to this package; everything else is ``other`` and passes through untouched.
///
/// Source: the IANA HTTP Field Name Registry; each rule's section is cited where it is applied.
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
    /// Cost: one table look-up by length and first letter, then one comparison.
    package init(name: Span<UInt8>) {
        let count = name.count
        guard count > 0, count <= KnownField.longestName else {
            self = .other
            return
        }
        let first = name[0] | 0x20
        for candidate in KnownField.byLength[count] where candidate.first == first {
            if name.equalsIgnoringCase(candidate.field.name) {
                self = candidate.field
                return
            }
        }
        self = .other
    }

    private struct Candidate {
        let first: UInt8
        let field: KnownField
    }

    private static let longestName = allCases.map(\.name.utf8CodeUnitCount).max() ?? 0

    private static let byLength: [[Candidate]] = {
        var table = [[Candidate]](repeating: [], count: longestName + 1)
        for field in allCases where field != .other {
            table[field.name.utf8CodeUnitCount].append(Candidate(first: field.name.utf8Start.pointee, field: field))
        }
        return table
    }()
}

/// A set of known fields in one word: which of them a head carries.
package struct KnownFieldSet: Sendable, Equatable, ExpressibleByArrayLiteral {
    package private(set) var bits: UInt64 = 0

    /// The set of `elements`.
    package init(arrayLiteral elements: KnownField...) {
        for element in elements { insert(element) }
    }

    /// Adds `field`; ``KnownField/other`` is a member like any.
    package mutating func insert(_ field: KnownField) {
        bits |= 1 << UInt64(field.rawValue)
    }

    /// Whether `field` is in the set.
    package func contains(_ field: KnownField) -> Bool {
        bits & (1 << UInt64(field.rawValue)) != 0
    }

    /// Whether no field is in both sets.
    package func isDisjoint(with other: KnownFieldSet) -> Bool {
        bits & other.bits == 0
    }
}
