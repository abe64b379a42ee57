// Where a client's path leads at the origin: pieces and whole agree, keys differ where targets do, nothing climbs out.

import HTTP

@testable import HTTPCache

/// Octets: a request target.
struct TargetFuzz: FuzzTarget {
    private static let urls = ["http://h", "http://h/a/b", "http://h/a/b?q", "http://h/dir/", "http://h/dir/?q"]

    func run(_ octets: [UInt8]) {
        for url in Self.urls {
            guard let map = try? OriginMap(url) else { fail("no map") }
            let whole = map.originTarget(for: octets.span)
            let (prefix, rest) = map.pieces(for: octets.span)
            hold(map.octets(of: prefix) + octets[rest] == whole, "the pieces are not the whole")
            let base = Array("http://h".utf8)
            let key = CacheKey(base + whole)
            let prefixKey = CacheKeyPrefix(base + map.octets(of: prefix))
            hold(prefixKey.matches(key, followedBy: octets.span.extracting(rest)), "another key by pieces")
            hold(prefixKey.hash(followedBy: octets.span.extracting(rest)) == key.hash, "another hash by pieces")
            guard map.refusal(of: octets.span) == nil, map.octets(of: .directory).count > 1, octets != [0x2a] else {
                continue
            }
            stays(octets, in: map)
        }
        let here = OriginReference(scheme: "http", authority: "h", target: [0x2f])
        if let place = here.resolving(octets.span) {
            hold(place.target.first == 0x2f, "a reference to no path")
            hold(place.target.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "a reference with odd octets")
            hold(
                !String(decoding: place.target, as: UTF8.self).split(separator: "?")[0].contains("/../"),
                "dot segments left"
            )
        }
    }

    /// A browser's resolution of the target's path, decoded once, does not leave the directory.
    private func stays(_ octets: [UInt8], in map: OriginMap) {
        var path = octets.prefix { $0 != 0x3f }
        var decoded: [UInt8] = []
        while let octet = path.popFirst() {
            let hex = String(decoding: path.prefix(2), as: UTF8.self)
            if octet == 0x25, path.count >= 2, !hex.hasPrefix("+"), !hex.hasPrefix("-"),
                let value = UInt8(hex, radix: 16)
            {
                decoded.append(value)
                path = path.dropFirst(2)
            } else {
                decoded.append(octet == 0x5c ? 0x2f : octet)
            }
        }
        var depth = 0
        for segment in decoded.split(separator: 0x2f) where segment != [0x2e] {
            depth += segment == [0x2e, 0x2e] ? -1 : 1
            hold(depth >= 0, "it climbs out of the directory")
        }
    }

    var seeds: [[UInt8]] {
        [
            "/", "/?", "/a/../b", "/%2e%2e/x", "/a%2f..%2f..", "/..\\x", "/a;b/..;/", "*", "//x", "/%252e%252e/",
            "http://h/x?y#z",
        ]
        .map(\.octets)
    }
}
