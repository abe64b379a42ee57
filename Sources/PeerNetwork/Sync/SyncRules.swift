// A table that every node of a network has: who may change a key, and what a newcomer is told.
// Above 400 lines: what is accepted, stored and handed over are one set of rules, of which none means anything alone.

/// The rules of the sync network, which rest on those of the mesh.
package struct SyncRules: NodeRules {
    /// Who changed a key last, and when: what changes are ordered by.
    package struct Version: Sendable, Hashable {
        package var owner: NodeID
        package var time: Int64
        /// Of several changes by the owner within a second, which this is.
        package var number: Int64 = 0
    }

    package struct Entry: Sendable, Hashable {
        package let value: MessageValue
        package let version: Version
        /// What tells the value from another of the same version.
        let digest: UInt64

        init(value: MessageValue, version: Version) {
            (self.value, self.version, digest) = (value, version, value.digest)
        }
    }

    /// How long a key is its owner's alone, in seconds.
    static let leaseSeconds: Int64 = 3600
    /// Of so many changes within a second each has a number; what claims to be of more is ignored.
    static let numberMax: Int64 = 1 << 32

    package var mesh: MeshStateMachine
    /// Whether only a key's owner may change it until its lease is over.
    let isLeasing: Bool
    package private(set) var entries: [[UInt8]: Entry] = [:]
    /// Keys that were deleted: who comes back with an older value does not bring them back.
    package private(set) var deleted: [[UInt8]: Version] = [:]
    /// What proves the owner of an entry, or of its deletion, where that is known.
    var evidence: [[UInt8]: Evidence] = [:]
    /// Who changed which part of an entry, where that was changed in parts.
    var parts: [[UInt8]: Parts] = [:]
    private let limits: SyncLimits
    /// What the keys and values weigh, those deleted too.
    private(set) var bytes = 0
    private(set) var comparison = TableComparison()
    private var comparedAt: Int64 = 0
    /// Links to who is to be told of the table, and whether each is to our own kind: else it may turn out to be, and was told.
    private var due: [(link: LinkID, isKin: Bool)] = []
    /// So much is handed over at a tick, in octets; what one hand-over takes beyond, those ticks that follow do not.
    private static let handedBytesMax = 4 << 20
    /// What was handed over, less what the ticks since might.
    private var handedBytes = 0

    package init(_ mesh: MeshStateMachine, isLeasing: Bool, limits: SyncLimits = SyncLimits()) {
        (self.mesh, self.isLeasing, self.limits) = (mesh, isLeasing, limits)
    }

    // MARK: What the user does

    /// Gives `key` a value; throws ``PeerNetworkError`` with code `leased` if it is another's, `full` if there are too many.
    package mutating func set(
        _ key: [UInt8],
        to value: MessageValue,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) throws(PeerNetworkError) {
        try check(key, isDelta: false, at: now)
        try check(key, hasRoomFor: value)
        tell(SubFlag.store, key, value, becomes: value, at: now, &actions)
    }

    /// Takes `key` out; throws ``PeerNetworkError`` with code `missing` if there is none, `leased` if it is another's.
    package mutating func remove(_ key: [UInt8], at now: Int64, _ actions: inout [NodeAction]) throws(PeerNetworkError)
    {
        // A py2p node that is told to delete what it has not cuts the link.
        guard entries[key] != nil else { throw PeerNetworkError(.missing, "there is no such key") }
        try check(key, isDelta: false, at: now)
        tell(SubFlag.store, key, .null, becomes: .null, at: now, &actions)
    }

    /// Changes some entries of the map at `key`, which is made if there is none; the map as it is then.
    ///
    /// Throws ``PeerNetworkError`` with code `leased` if it is another's, `notMap` if its value is something else.
    package mutating func change(
        _ key: [UInt8],
        by entries: [MessageValue.Entry],
        at now: Int64,
        _ actions: inout [NodeAction]
    ) throws(PeerNetworkError) -> MessageValue {
        try check(key, isDelta: true, at: now)
        try check(key, hasRoomFor: .map(entries))
        guard let value = (self.entries[key]?.value ?? .map([])).changed(by: entries) else {
            throw PeerNetworkError(.notMap, "the value of that key is no map")
        }
        try check(key, hasRoomFor: value)
        // A part of a value cannot prove the whole of it to who comes later.
        if mesh.identity.key != nil {
            tell(SubFlag.store, key, value, becomes: value, at: now, &actions)
        } else {
            tell(SubFlag.delta, key, .map(entries), becomes: value, at: now, &actions)
        }
        return value
    }

    /// Tells all of a change by this node, dated so that it comes behind the one before.
    private mutating func tell(
        _ subFlag: Int64,
        _ key: [UInt8],
        _ told: MessageValue,
        becomes value: MessageValue,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let (old, id) = (version(of: key), mesh.identity.id)
        var time = date(behind: old, at: now)
        var isAgain = old.map { $0.owner == id && $0.time == time } ?? false
        if isAgain, let old, old.number >= Self.numberMax { (time, isAgain) = (time + 1, false) }
        let number = isAgain ? (old?.number ?? 0) + 1 : 0
        // A py2p node looks at the key and the value alone.
        let payload = [.binary(key), told] + (isAgain ? [MessageValue.integer(number)] : [])
        let message = mesh.broadcast(payload, subFlag, at: now, dated: time, &actions)
        let version = Version(owner: id, time: message.time, number: number)
        let before = Parts(parts[key], over: old)
        store(key, value, version, Evidence(message), &actions)
        if subFlag == SubFlag.delta, case .map(let changes) = told { parts[key] = before.changed(by: changes, version) }
    }

    /// When this node's change of what was changed at `old` is from.
    ///
    /// Of one second the smaller id's comes behind; dated later, it would be refused for the lease that it has overcome here.
    private func date(behind old: Version?, at now: Int64) -> Int64 {
        max(now, old.map { $0.owner < mesh.identity.id ? $0.time + 1 : $0.time } ?? now)
    }

    func version(of key: [UInt8]) -> Version? { entries[key]?.version ?? deleted[key] }

    // MARK: What others do

    package mutating func take(
        _ outcome: MeshStateMachine.Outcome,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        switch outcome {
        // Whether it is of our own it says at once, or never.
        case .greeted(_, let link, isNew: true): due.append((link, isKin: false))
        case .recognised(let link):
            due.append((link, isKin: true))
            comparison.noteHandOver(on: link, at: now)
        case .passed(let message, _, let link): take(message, on: link, at: now, &actions)
        case .greeted, .lost, .unreachable, .done: break
        }
    }

    package mutating func tick(at now: Int64, _ actions: inout [NodeAction]) {
        mesh.tick(at: now, &actions)
        handOverWhatIsDue(at: now, &actions)
        if now >= comparedAt + TableComparison.seconds { compare(at: now, &actions) }
        guard now % 60 == 0 else { return }
        for (key, version) in deleted where version.time <= now - limits.deletedSeconds {
            deleted[key] = nil
            bytes -= Self.weight(key)
        }
        evidence = evidence.filter { entries[$0.key] != nil || deleted[$0.key] != nil }
    }

    private mutating func compare(at now: Int64, _ actions: inout [NodeAction]) {
        comparedAt = now
        let (tell, handOver) = comparison.look(mesh.order.filter(mesh.isKin), at: now)
        let digest = MessageValue.integer(Int64(bitPattern: comparison.digest))
        for link in tell { mesh.whisper([digest], SubFlag.digest, on: link, at: now, &actions) }
        for link in handOver where !due.contains(where: { $0.link == link && $0.isKin }) {
            due.append((link, isKin: true))
        }
    }

    /// Many may come at once, and each is told the whole table: not at once, as that is in memory until it is sent.
    private mutating func handOverWhatIsDue(at now: Int64, _ actions: inout [NodeAction]) {
        handedBytes = max(0, handedBytes - Self.handedBytesMax)
        var count = 0
        for (link, isKin) in due {
            guard handedBytes < Self.handedBytesMax else { break }
            count += 1
            guard mesh.links[link]?.peer != nil, mesh.isKin(link) == isKin else { continue }
            handOver(on: link, at: now, &actions)
            handedBytes += bytes
        }
        due.removeFirst(count)
    }

    /// Whether a change may be made to what is there: the five rules of py2p, and the one for deltas.
    static func isAccepted(
        _ old: Version?,
        _ new: Version,
        isDelta: Bool,
        isLeasing: Bool,
        at now: Int64
    ) -> Bool {
        guard let old else { return true }
        if old.owner == new.owner || old.time < now - leaseSeconds { return true }
        if old.time == new.time, old.owner > new.owner { return true }
        return !isLeasing && (old.time < new.time || isDelta)
    }

    /// Says to a neighbour what this node has: to our own kind with what was deleted, to others as py2p does.
    private mutating func handOver(on link: LinkID, at now: Int64, _ actions: inout [NodeAction]) {
        for (key, entry) in entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            pass(key, entry.value, entry.version, on: link, at: now, &actions)
        }
        guard mesh.isKin(link) else { return }
        for (key, version) in deleted.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            pass(key, .null, version, on: link, at: now, &actions)
        }
    }

    private mutating func pass(
        _ key: [UInt8],
        _ value: MessageValue,
        _ version: Version,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let isKin = mesh.isKin(link)
        if isKin, let proof = evidence[key] {
            return mesh.whisper([.binary(key), proof.value], SubFlag.merge, on: link, at: now, &actions)
        }
        var payload: [MessageValue] = [
            .binary(key), value, .binary(version.owner.octets), .integer(version.time),
        ]
        if isKin { payload.append(.integer(version.number)) }
        mesh.whisper(payload, isKin ? SubFlag.merge : SubFlag.store, on: link, at: now, &actions)
    }

    private mutating func take(
        _ message: PeerMessage,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let payload = message.payload
        if message.subFlag == SubFlag.digest, mesh.isKin(link), let digest = payload.first?.int {
            return comparison.note(UInt64(bitPattern: digest), of: link)
        }
        guard payload.count >= 2, let key = payload[0].octets, !key.isEmpty, key.count <= limits.keyBytesMax,
            entries[key] != nil || entries.count < limits.keysMax
        else { return }
        // A lease that begins long after now would never end.
        let latest = now + mesh.configuration.aheadSecondsMax
        switch (message.subFlag, payload.count) {
        case (SubFlag.store, 4), (SubFlag.merge, 5):
            guard let owner = payload[2].octets, owner.count <= NodeID.byteCountMax, let time = payload[3].int,
                time <= latest
            else { return }
            guard !mesh.configuration.requiresSigned else { return mesh.noteUnproved() }
            let number = payload.count == 5 ? payload[4].int ?? 0 : 0
            guard (0...Self.numberMax).contains(number) else { return }
            let version = Version(owner: NodeID(octets: owner), time: time, number: number)
            takeOver(key, payload[1], version, nil, on: link, at: now, &actions)
        case (SubFlag.merge, 2):
            guard let proof = Evidence(payload[1], in: mesh.identity.network), proof.key == key else {
                return mesh.noteUnproved()
            }
            guard proof.version.time <= latest else { return }
            takeOver(key, proof.content, proof.version, proof, on: link, at: now, &actions)
        case (SubFlag.store, 2...3), (SubFlag.delta, 2...3):
            guard message.time <= latest else { return }
            // Nobody whispers these; what was to be signed and is not has not come this far.
            guard message.isForAll || !mesh.configuration.requiresSigned else { return mesh.noteUnproved() }
            let number = payload.count == 3 ? payload[2].int ?? 0 : 0
            guard (0...Self.numberMax).contains(number) else { return }
            let version = Version(owner: message.sender, time: message.time, number: number)
            let isDelta = message.subFlag == SubFlag.delta
            change(key, payload[1], version, Evidence(message), isDelta: isDelta, on: link, at: now, &actions)
        default: break
        }
    }

    /// Takes a change that a node has made.
    private mutating func change(
        _ key: [UInt8],
        _ told: MessageValue,
        _ version: Version,
        _ proof: Evidence?,
        isDelta: Bool,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let changes: [MessageValue.Entry]? = if isDelta, case .map(let changes) = told { changes } else { nil }
        // py2p takes what is said in whatever order it comes; among our own the later change counts.
        if mesh.isKin(link), let old = self.version(of: key) {
            guard !version.isBefore(old) else {
                guard old.owner == version.owner || !isLeasing else { return }
                if !isDelta { return setLate(key, to: told, version, &actions) }
                return changes.map { changeLate(key, by: $0, version, &actions) } ?? ()
            }
            if version == old, !isDelta, told == entries[key]?.value ?? .null {
                if evidence[key] == nil { evidence[key] = proof }
                return
            }
        }
        var value = told
        if isDelta {
            guard let changes, let changed = (entries[key]?.value ?? .map([])).changed(by: changes) else { return }
            value = changed
        }
        let old = entries[key]?.version
        guard hasRoom(key, value),
            Self.isAccepted(old, version, isDelta: isDelta, isLeasing: isLeasing, at: now)
        else { return }
        let before = Parts(parts[key], over: self.version(of: key))
        store(key, value, version, proof, &actions)
        if let changes { parts[key] = before.changed(by: changes, version) }
    }

    /// Takes what a neighbour has; what is news here is so to the other neighbours too.
    private mutating func takeOver(
        _ key: [UInt8],
        _ value: MessageValue,
        _ version: Version,
        _ proof: Evidence?,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        var (value, proof) = (value, proof)
        // Of two that were set while apart the later counts, everywhere; what is no news is not handed on for ever.
        if let old = self.version(of: key), !old.isBefore(version) {
            guard old == version, mesh.isKin(link), let settled = settled(key, value, proof) else { return }
            (value, proof) = settled
        }
        guard hasRoom(key, value) else { return }
        if !mesh.isKin(link) {
            guard value != .null, entries[key]?.value.isTruthy != true,
                Self.isAccepted(entries[key]?.version, version, isDelta: false, isLeasing: isLeasing, at: now)
            else { return }
        }
        store(key, value, version, proof, &actions)
        for other in mesh.links(besides: link) where value != .null || mesh.isKin(other) {
            pass(key, value, version, on: other, at: now, &actions)
        }
    }

    mutating func store(
        _ key: [UInt8],
        _ value: MessageValue,
        _ version: Version,
        _ proof: Evidence?,
        _ actions: inout [NodeAction]
    ) {
        evidence[key] = proof
        parts[key] = nil
        bytes -= weight(of: key)
        if let old = entries[key] { comparison.toggle(key, old) }
        defer {
            bytes += weight(of: key)
            if let new = entries[key] { comparison.toggle(key, new) }
        }
        guard value == .null else {
            deleted[key] = nil
            entries[key] = Entry(value: value, version: version)
            return actions.append(.tell(.updated(key: key, value: value, owner: version.owner, time: version.time)))
        }
        let isKept = deleted[key] != nil || deleted.count < limits.keysMax
        deleted[key] = isKept && bytes + Self.weight(key) <= limits.bytesMax ? version : nil
        guard entries.removeValue(forKey: key) != nil else { return }
        actions.append(.tell(.deleted(key: key)))
    }

    // MARK: What it weighs

    /// A key and a value, with what is said of them when they are handed over.
    private static func weight(_ key: [UInt8], _ value: MessageValue = .null) -> Int { 256 + key.count + value.bytes }

    private func weight(of key: [UInt8]) -> Int {
        (entries[key].map { Self.weight(key, $0.value) } ?? 0) + (deleted[key] == nil ? 0 : Self.weight(key))
    }

    func hasRoom(_ key: [UInt8], _ value: MessageValue) -> Bool {
        bytes - weight(of: key) + Self.weight(key, value) <= limits.bytesMax && value.bytes <= valueBytesMax(of: key)
            && value.isReadable()
    }

    /// What a value may weigh, in octets: with its key, and what proves it, it is to fit into a frame.
    private func valueBytesMax(of key: [UInt8]) -> Int {
        let room = mesh.configuration.frameBytesMax - 2 * key.count - 3 * MeshStateMachine.headBytesMax
        return min(limits.valueBytesMax, max(0, room))
    }

    private func check(_ key: [UInt8], hasRoomFor value: MessageValue) throws(PeerNetworkError) {
        guard entries[key] != nil || entries.count < limits.keysMax else {
            throw PeerNetworkError(.full, "there are \(entries.count) keys, and no room for another")
        }
        guard value.isReadable() else {
            throw PeerNetworkError(.tooLarge, "a value is made of \(MessageReader.readable)")
        }
        guard value.bytes <= valueBytesMax(of: key) else {
            throw PeerNetworkError(
                .tooLarge,
                "the value of that key may weigh at most \(valueBytesMax(of: key)) octets"
            )
        }
        guard !hasRoom(key, value) else { return }
        throw PeerNetworkError(.full, "the table would weigh more than \(limits.bytesMax >> 20) MiB")
    }

    private func check(_ key: [UInt8], isDelta: Bool, at now: Int64) throws(PeerNetworkError) {
        guard !key.isEmpty, key.count <= limits.keyBytesMax else {
            throw PeerNetworkError(.key, "a key has 1 to \(limits.keyBytesMax) octets")
        }
        let old = entries[key]?.version
        // Without leases the later change counts, so it is dated as such; others take nothing from further ahead.
        let latest = now + mesh.configuration.aheadSecondsMax
        let new = Version(owner: mesh.identity.id, time: isLeasing ? now : min(latest, date(behind: old, at: now)))
        guard !Self.isAccepted(old, new, isDelta: isDelta, isLeasing: isLeasing, at: now), let old else { return }
        guard isLeasing else {
            let text = "that key was set by a clock that is \(old.time - now) seconds ahead: try later"
            throw PeerNetworkError(.again, text)
        }
        throw PeerNetworkError(
            .leased,
            "that key is \(old.owner)'s for \(max(0, old.time + Self.leaseSeconds - now)) seconds more"
        )
    }
}

extension SyncRules.Version {
    /// Whether `other` is the later one: by time, of one second the one of the smaller id, of one owner by number.
    func isBefore(_ other: Self) -> Bool {
        if time != other.time { return time < other.time }
        return owner == other.owner ? number < other.number : owner > other.owner
    }
}

/// How much a table holds.
package struct SyncLimits: Sendable {
    /// Keys in all.
    package var keysMax = 100_000
    /// The longest key, in octets.
    package var keyBytesMax = 4096
    /// What a value may weigh, in octets: it is handed over as one message, which is to fit into a frame, and may have no more
    /// than some 2^19 values in it.
    package var valueBytesMax = 8 << 20
    /// What keys and values may weigh in all, in octets: a newcomer is told all of it at once, and that must be less than what
    /// may wait on one link (`TCPLimits.queueBytesMax`).
    package var bytesMax = 48 << 20
    /// How long it is remembered that a key was deleted, in seconds.
    package var deletedSeconds: Int64 = 86_400

    /// The defaults.
    package init() {}
}
