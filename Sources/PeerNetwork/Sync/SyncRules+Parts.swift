// Changes of parts of a value that come in another order than they were made, and what is made of two values of one version.
//
// Tables of our own are to become the same whatever comes late. Of one entry of a map the latest change counts, as of a key;
// who was handed the whole does not know its parts, and so two nodes may come to different values of the same version: then
// both make the same of the two, in which no part of either is lost.

extension SyncRules {
    /// Who changed which entries of a map last, since the whole of it was set.
    struct Parts: Sendable {
        /// More are not kept: what comes late is dropped then.
        private static let countMax = 1000

        /// The whole that was changed; nil: there was none.
        private let base: Version?
        private var versions: [MessageValue: Version] = [:]

        /// What is known before another change; `version` is that of the key then.
        init(_ known: Parts?, over version: Version?) {
            self = known ?? Parts(base: version)
        }

        private init(base: Version?) { self.base = base }

        /// With `changes` that were made at `version`; nil if it is too much.
        func changed(by changes: [MessageValue.Entry], _ version: Version) -> Parts? {
            var parts = self
            for change in changes { parts.versions[change.key] = version }
            return parts.versions.count <= Self.countMax ? parts : nil
        }

        /// Those of `changes`, made at `version`, that no later one has undone.
        func lasting(_ changes: [MessageValue.Entry], _ version: Version) -> [MessageValue.Entry] {
            if let base, !base.isBefore(version) { return [] }
            return changes.filter { versions[$0.key]?.isBefore(version) ?? true }
        }
    }

    /// Takes a change of a part that was made before what is there: nothing else of it changes, nor its version.
    mutating func changeLate(
        _ key: [UInt8],
        by changes: [MessageValue.Entry],
        _ version: Version,
        _ actions: inout [NodeAction]
    ) {
        guard let entry = entries[key], let before = parts[key] else { return }
        let lasting = before.lasting(changes, version)
        guard !lasting.isEmpty, let value = entry.value.changed(by: lasting), hasRoom(key, value) else { return }
        store(key, value, entry.version, nil, &actions)
        parts[key] = before.changed(by: lasting, version)
    }

    /// What is made of the entry that is there and of another of the same version; nil: it stays as it is.
    mutating func settled(_ key: [UInt8], _ value: MessageValue, _ proof: Evidence?) -> (MessageValue, Evidence?)? {
        let own = entries[key]?.value ?? .null
        guard own.digest != value.digest else {
            if evidence[key] == nil { evidence[key] = proof }
            return nil
        }
        switch (evidence[key], proof) {
        case (nil, let proof?): return (value, proof)
        case (_?, nil): return nil
        case (_?, let proof?): return own.digest < value.digest ? (value, proof) : nil
        case (nil, nil):
            let joined = own.joined(with: value)
            return joined.digest == own.digest ? nil : (joined, nil)
        }
    }
}

extension MessageValue {
    /// Of two maps all entries, of other values one; the same whichever is which.
    fileprivate func joined(with other: MessageValue) -> MessageValue {
        guard case .map(let own) = self, case .map(let others) = other else {
            return digest < other.digest ? other : self
        }
        let values = Dictionary(own.map { ($0.key, $0.value.digest) }) { first, _ in first }
        // What is not like itself is found nowhere, and would be added each time.
        let better = others.filter { entry in
            entry.key == entry.key && values[entry.key].map { $0 < entry.value.digest } ?? true
        }
        return changed(by: better) ?? self
    }
}
