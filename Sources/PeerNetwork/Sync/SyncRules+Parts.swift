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

        /// The same over a whole that was set at `version`, and those of `entries` that were changed since; nil if a later whole
        /// is known.
        func rebased(on version: Version, _ entries: [MessageValue.Entry]) -> (Parts, [MessageValue.Entry])? {
            if let base, !base.isBefore(version) { return nil }
            var parts = Parts(base: version)
            parts.versions = versions.filter { version.isBefore($0.value) }
            return (parts, entries.filter { parts.versions[$0.key] != nil })
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

    /// Takes a whole value, or that it is gone, from before parts of it were changed: those are changed in it too.
    mutating func setLate(
        _ key: [UInt8],
        to told: MessageValue,
        _ version: Version,
        _ actions: inout [NodeAction]
    ) {
        guard let entry = entries[key], case .map(let present) = entry.value,
            let (rebased, later) = parts[key]?.rebased(on: version, present),
            let value = (told == .null ? .map([]) : told).changed(by: later), hasRoom(key, value)
        else { return }
        store(key, value, entry.version, nil, &actions)
        parts[key] = rebased
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
    /// Of two maps all entries, of a map and another value the map, of others one.
    ///
    /// The same whichever is which, and of many in whatever order they are joined.
    func joined(with other: MessageValue) -> MessageValue {
        let (own, others): ([Entry]?, [Entry]?) = (self.entries, other.entries)
        guard own != nil || others != nil else { return digest < other.digest ? other : self }
        // By what is written: that two are one to Swift does not mean that they come to the same.
        var best: [[UInt8]: (entry: Entry, digest: UInt64)] = [:]
        for entry in (own ?? []) + (others ?? []) {
            var key: [UInt8] = []
            entry.key.write(to: &key)
            let digest = entry.value.digest
            if best[key].map({ $0.digest < digest }) ?? true { best[key] = (entry, digest) }
        }
        return .map(best.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value.entry))
    }
    /// The entries of a map; nil for everything else.
    private var entries: [Entry]? { if case .map(let entries) = self { entries } else { nil } }
}
