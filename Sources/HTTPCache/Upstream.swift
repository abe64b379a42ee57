// The origin's side of the mapping with the common parts of its keys hashed once.

import HTTP

/// Keys of what is behind one ``OriginMap``.
struct Upstream: Sendable {
    let map: OriginMap
    private let root: CacheKeyPrefix
    private let rootBeforeQuery: CacheKeyPrefix
    private let directory: CacheKeyPrefix
    private let server: CacheKeyPrefix

    init(_ map: OriginMap) {
        self.map = map
        let base = Array("\(map.scheme)://\(map.authority)".utf8)
        root = CacheKeyPrefix(base + map.octets(of: .root))
        rootBeforeQuery = CacheKeyPrefix(base + map.octets(of: .rootBeforeQuery))
        directory = CacheKeyPrefix(base + map.octets(of: .directory))
        server = CacheKeyPrefix(base)
    }

    /// The key of what a client asked for, put together.
    func key(of target: Span<UInt8>) -> CacheKey {
        let (prefix, rest) = pieces(for: target)
        return CacheKey(prefix.bytes + target.extracting(rest).array)
    }

    /// A response whose Location, if it is in the mapped directory, is a path of ours: who follows it stays with the cache.
    func localized(_ response: Response, to target: [UInt8]) -> Response {
        // A reference without authority, to a site that is mapped as a whole, means the same here as there.
        guard let location = response.fields[.location], location.contains(0x3a) || location.first == 0x2f else {
            return response
        }
        let fragment = location.drop { $0 != 0x23 }
        let here = OriginReference(scheme: map.scheme, authority: map.authority, target: target)
        let directory = map.octets(of: .directory)
        guard let place = here.resolving(location.span), place.scheme == map.scheme, place.authority == map.authority,
            place.target.starts(with: directory)
        else { return response }
        var response = response
        response.fields.remove(.location)
        response.fields.append(
            name: "Location".utf8,
            value: [0x2f] + place.target.dropFirst(directory.count) + fragment
        )
        return response
    }

    /// The key of another resource of the same origin.
    func key(ofOriginTarget target: [UInt8]) -> CacheKey {
        CacheKey(server.bytes + target)
    }

    /// The key in two pieces: `prefix`, then `target[rest]`.
    func pieces(for target: Span<UInt8>) -> (prefix: CacheKeyPrefix, rest: Range<Int>) {
        let (prefix, rest) = map.pieces(for: target)
        switch prefix {
        case .root: return (root, rest)
        case .rootBeforeQuery: return (rootBeforeQuery, rest)
        case .directory: return (directory, rest)
        case .server: return (server, rest)
        }
    }
}
