// Names like one that is not there: a slip of the finger should not cost a person an evening.

import HTTP
import PeerIdentity

/// Looks for present names that differ little from one that was asked for.
enum NearestNames {
    /// Names looked at, after each beginning.
    private static let looked = 16
    /// Names told.
    private static let told = 3

    /// Up to three names at most two changes away, among those that begin alike.
    static func find(
        _ identifier: PeerIdentifier,
        in registry: Registry,
        now: Timestamp
    ) async throws(RegistryError) -> [String] {
        let wanted = Array(identifier.folded.unicodeScalars)
        var found: [String: (name: String, distance: Int)] = [:]
        for count in Set([wanted.count - 1, wanted.count / 2]) where count > 0 {
            var beginning = String.UnicodeScalarView()
            beginning.append(contentsOf: wanted.prefix(count))
            for name in try await names(after: String(beginning), registry, now) {
                let scalars = Array(name.folded.unicodeScalars)
                // That many insertions at least: not worth counting.
                guard abs(scalars.count - wanted.count) <= 2 else { continue }
                let distance = distance(wanted, scalars)
                if distance <= min(2, wanted.count - 1) { found[name.folded] = (name.text, distance) }
            }
        }
        let ordered = found.values.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return ordered.prefix(told).map(\.name)
    }

    /// Present names after one; from memory without unpacking whole entries.
    private static func names(
        after name: String,
        _ registry: Registry,
        _ now: Timestamp
    ) async throws(RegistryError) -> [(text: String, folded: String)] {
        guard let image = registry.image else {
            return try await registry.entries(.presentAfter(name, limit: looked)).filter { $0.isAvailable(at: now) }
                .map { ($0.identifier.text, $0.identifier.folded) }
        }
        return image.packedPresent(after: Array(name.utf8), limit: looked).filter { $0.presentUntil > now }.map {
            entry in
            let octets = entry.content.octets
            return (
                String(decoding: octets[entry.content.text], as: UTF8.self),
                String(decoding: octets[entry.content.name], as: UTF8.self)
            )
        }
    }

    /// Insertions, deletions and substitutions between two names (Levenshtein).
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var row = Array(0...right.count)
        for (i, scalar) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let substitution = diagonal + (scalar == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
