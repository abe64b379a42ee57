// Names like one that is not there: a slip of the finger should not cost a person an evening.

import HTTP
import PeerIdentity

/// Looks for present names that differ little from one that was asked for.
enum NearestNames {
    /// Names looked at, after each beginning.
    private static let looked = 32
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
        for count in Set([wanted.count - 1, wanted.count / 2, 1]) where count > 0 {
            var beginning = String.UnicodeScalarView()
            beginning.append(contentsOf: wanted.prefix(count))
            let after = String(beginning)
            for entry in try await registry.entries(.presentAfter(after, limit: looked))
            where entry.isAvailable(at: now) {
                let name = entry.identifier
                let distance = distance(wanted, Array(name.folded.unicodeScalars))
                if distance <= min(2, wanted.count - 1) { found[name.folded] = (name.text, distance) }
            }
        }
        let ordered = found.values.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return ordered.prefix(told).map(\.name)
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
