// What identifies a cached resource: the exact octets that are asked of the origin.

import HTTP

/// The key of a cached resource: scheme, authority, path and query, verbatim (RFC 9111 section 2).
///
/// Percent-encoding, dot segments and letter case are never normalised: the key is exactly what is sent to the
/// origin, so that no two requests the origin may tell apart share an answer.
package struct CacheKey: Sendable, Hashable {
    /// `scheme://authority/path?query`.
    package let bytes: [UInt8]
    /// A hash of ``bytes``, seeded per process so that no client can make keys collide.
    package let hash: UInt64

    /// The key of a whole URL.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        hash = CacheKeyPrefix(bytes).hash(followedBy: Span())
    }

    /// A key with a hash that somebody else made: for tests of what happens when two keys share one.
    init(_ bytes: [UInt8], hash: UInt64) {
        (self.bytes, self.hash) = (bytes, hash)
    }

    package static func == (left: CacheKey, right: CacheKey) -> Bool {
        left.hash == right.hash && left.bytes == right.bytes
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(hash)
    }
}

/// The part that the keys of one upstream have in common, hashed once, so that a look-up copies nothing.
package struct CacheKeyPrefix: Sendable {
    /// The octets in front of the request's own part.
    package let bytes: [UInt8]
    private let state: Hasher

    /// A prefix of `bytes`.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var state = Hasher()
        bytes.withUnsafeBytes { state.combine(bytes: $0) }
        self.state = state
    }

    /// The hash of the key `bytes` followed by `rest`: the same however a key is split.
    package func hash(followedBy rest: Span<UInt8>) -> UInt64 {
        var state = state
        rest.withUnsafeBytes { state.combine(bytes: $0) }
        return UInt64(bitPattern: Int64(state.finalize()))
    }

    /// Whether `key` is `bytes` followed by `rest`.
    package func matches(_ key: CacheKey, followedBy rest: Span<UInt8>) -> Bool {
        let count = bytes.count
        guard key.bytes.count == count + rest.count else { return false }
        let octets = key.bytes.span
        return octets.extracting(count..<octets.count).equals(rest) && octets.extracting(0..<count).equals(bytes.span)
    }
}
