// A table that every node of a network has: who may change a key, and what a newcomer is told.

/// The rules of the sync network, which rest on those of the mesh.
package struct SyncRules: NodeRules {
    package struct Entry: Sendable, Hashable {
        package var value: MessageValue
        /// Who changed it last, and when.
        package var owner: NodeID
        package var time: Int64
    }

    /// How long a key is its owner's alone, in seconds.
    static let leaseSeconds: Int64 = 3600

    package var mesh: MeshStateMachine
    /// Whether only a key's owner may change it until its lease is over.
    let isLeasing: Bool
    package private(set) var entries: [[UInt8]: Entry] = [:]
    private let limits: SyncLimits

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
        guard entries[key] != nil || entries.count < limits.keysMax else {
            throw PeerNetworkError(.full, "there are \(entries.count) keys, and no room for another")
        }
        let message = mesh.broadcast([.binary(key), value], SubFlag.store, at: now, &actions)
        store(key, value, mesh.identity.id, message.time, &actions)
    }

    /// Takes `key` out; throws ``PeerNetworkError`` with code `missing` if there is none, `leased` if it is another's.
    package mutating func remove(_ key: [UInt8], at now: Int64, _ actions: inout [NodeAction]) throws(PeerNetworkError)
    {
        // A py2p node that is told to delete what it has not cuts the link.
        guard entries[key] != nil else { throw PeerNetworkError(.missing, "there is no such key") }
        try check(key, isDelta: false, at: now)
        let message = mesh.broadcast([.binary(key), .null], SubFlag.store, at: now, &actions)
        store(key, .null, mesh.identity.id, message.time, &actions)
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
        guard let value = (self.entries[key]?.value ?? .map([])).changed(by: entries) else {
            throw PeerNetworkError(.notMap, "the value of that key is no map")
        }
        let message = mesh.broadcast([.binary(key), .map(entries)], SubFlag.delta, at: now, &actions)
        store(key, value, mesh.identity.id, message.time, &actions)
        return value
    }

    // MARK: What others do

    package mutating func take(
        _ outcome: MeshStateMachine.Outcome,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        switch outcome {
        case .greeted(_, let link, isNew: true): handOver(on: link, at: now, &actions)
        case .passed(let message, _, _): take(message, at: now, &actions)
        case .greeted, .lost, .done: break
        }
    }

    package mutating func tick(at now: Int64, _ actions: inout [NodeAction]) {
        mesh.tick(at: now, &actions)
    }

    /// Whether a change may be made to what is there: the five rules of py2p, and the one for deltas.
    static func isAccepted(
        _ old: Entry?,
        owner: NodeID,
        time: Int64,
        isDelta: Bool,
        isLeasing: Bool,
        at now: Int64
    ) -> Bool {
        guard let old else { return true }
        if old.owner == owner || old.time < now - leaseSeconds { return true }
        if old.time == time, old.owner > owner { return true }
        return !isLeasing && (old.time < time || isDelta)
    }

    private mutating func handOver(on link: LinkID, at now: Int64, _ actions: inout [NodeAction]) {
        for (key, entry) in entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let payload: [MessageValue] = [
                .binary(key), entry.value, .binary(entry.owner.octets), .integer(entry.time),
            ]
            mesh.whisper(payload, SubFlag.store, on: link, at: now, &actions)
        }
    }

    private mutating func take(_ message: PeerMessage, at now: Int64, _ actions: inout [NodeAction]) {
        let payload = message.payload
        guard payload.count >= 2, let key = payload[0].octets, !key.isEmpty, key.count <= limits.keyBytesMax else {
            return
        }
        var (value, owner, time) = (payload[1], message.sender, message.time)
        let isDelta = message.subFlag == SubFlag.delta
        switch (message.subFlag, payload.count) {
        case (SubFlag.store, 2): break
        case (SubFlag.store, 4):
            // Handed over: what is here already is not changed by what somebody says of others.
            guard let octets = payload[2].octets, let told = payload[3].int,
                entries[key]?.value.isTruthy != true, value != .null
            else { return }
            (owner, time) = (NodeID(octets: octets), told)
        case (SubFlag.delta, 2):
            guard case .map(let changes) = value,
                let changed = (entries[key]?.value ?? .map([])).changed(by: changes)
            else { return }
            value = changed
        default: return
        }
        let isAccepted = Self.isAccepted(
            entries[key],
            owner: owner,
            time: time,
            isDelta: isDelta,
            isLeasing: isLeasing,
            at: now
        )
        guard isAccepted, entries[key] != nil || entries.count < limits.keysMax else { return }
        store(key, value, owner, time, &actions)
    }

    private mutating func store(
        _ key: [UInt8],
        _ value: MessageValue,
        _ owner: NodeID,
        _ time: Int64,
        _ actions: inout [NodeAction]
    ) {
        if value == .null {
            guard entries.removeValue(forKey: key) != nil else { return }
            actions.append(.tell(.deleted(key: key)))
        } else {
            entries[key] = Entry(value: value, owner: owner, time: time)
            actions.append(.tell(.updated(key: key, value: value, owner: owner, time: time)))
        }
    }

    private func check(_ key: [UInt8], isDelta: Bool, at now: Int64) throws(PeerNetworkError) {
        guard !key.isEmpty, key.count <= limits.keyBytesMax else {
            throw PeerNetworkError(.key, "a key has 1 to \(limits.keyBytesMax) octets")
        }
        let (old, id) = (entries[key], mesh.identity.id)
        let isAccepted = Self.isAccepted(old, owner: id, time: now, isDelta: isDelta, isLeasing: isLeasing, at: now)
        guard !isAccepted, let old else { return }
        throw PeerNetworkError(
            .leased,
            "that key is \(old.owner)'s for \(max(0, old.time + Self.leaseSeconds - now)) seconds more"
        )
    }
}

/// How much a table holds.
package struct SyncLimits: Sendable {
    /// Keys in all.
    package var keysMax = 100_000
    /// The longest key, in octets.
    package var keyBytesMax = 4096

    /// The defaults.
    package init() {}
}
