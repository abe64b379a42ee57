// One thing that can be set: by a flag, an environment variable or a line of the configuration file.

/// A setting under its flag's name.
package struct Setting: Sendable, Equatable {
    /// How its value is written.
    package enum Kind: Sendable, Equatable {
        /// `--name VALUE`.
        case value
        /// `--name`; `true`, `false`, `yes`, `no`, `1` or `0` in environment and file.
        case flag
        /// `--name VALUE`, any number of times; separated by commas in environment and file.
        case list
    }

    /// The flag without its dashes, `store-size`, which is the file's key too.
    package let name: String
    package let kind: Kind

    package init(_ name: String, _ kind: Kind = .value) {
        self.name = name
        self.kind = kind
    }

    /// The environment variable: `WAYSTATION_CDN_STORE_SIZE` for the prefix `WAYSTATION_CDN_`.
    package func variable(prefix: String) -> String {
        prefix + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }
}

extension [Setting] {
    /// The setting whose name is least edits away from `name`, or nil if none is near.
    func nearest(to name: String) -> Setting? {
        let distances = map { (setting: $0, edits: Self.editDistance($0.name, name)) }
        guard let best = distances.min(by: { $0.edits < $1.edits }) else { return nil }
        return best.edits <= Swift.max(2, best.setting.name.utf8.count / 2) ? best.setting : nil
    }

    /// Levenshtein's distance; quadratic, so only the first 64 octets count.
    private static func editDistance(_ left: String, _ right: String) -> Int {
        let right = right.utf8.prefix(64)
        var row = [Int](0...right.count)
        for (i, a) in left.utf8.prefix(64).enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let replaced = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = Swift.min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
