// A table of which every node has a part: who has which part, and how it is found.

/// The rules of the chord network, which rest on those of the mesh.
///
/// A key is in five tables, at the node that is the last at or before its place in each. Nobody knows of more nodes than its
/// neighbours: what belongs to another is handed on, and each decides anew.
package struct ChordRules: NodeRules {
    /// A place in one of the tables.
    struct Slot: Sendable, Hashable, Comparable {
        let table: ChordTable
        let position: RingNumber

        static func < (a: Slot, b: Slot) -> Bool {
            (a.table.rawValue, a.position) < (b.table.rawValue, b.position)
        }
    }

    /// A look-up on its way.
    struct Search: Sendable {
        let slots: [Slot]
        /// What came of each: nothing yet, nothing there, or a value.
        var answers: [Slot: MessageValue] = [:]
        /// When it is given up, and when all were said to have nothing.
        let until: Int64
        var emptySince: Int64?
        let finish: @Sendable (MessageValue?) -> Void
    }

    package var mesh: MeshStateMachine
    private let limits: ChordLimits
    private(set) var isStoring = false
    /// The neighbours that hold a part, and where they are.
    private(set) var storing: [NodeID: RingNumber] = [:]
    private(set) var keys: Set<[UInt8]> = []
    private(set) var held: [Slot: MessageValue] = [:]
    private var searches: [Int: Search] = [:]
    private var lastSearch = 0
    /// Who waits for what was asked of another.
    private var askers: [Slot: [NodeID: Int64]] = [:]
    private let place: RingNumber?

    package init(_ mesh: MeshStateMachine, limits: ChordLimits = ChordLimits()) {
        (self.mesh, self.limits) = (mesh, limits)
        place = RingNumber(base58: mesh.identity.id.octets)
    }

    // MARK: What the user does

    /// Holds a part of the tables from now on, or none: then all is handed to those that do.
    package mutating func setStoring(_ isStoring: Bool, at now: Int64, _ actions: inout [NodeAction]) {
        guard self.isStoring != isStoring else { return }
        self.isStoring = isStoring
        for neighbour in mesh.neighbours { tellRole(to: neighbour.id, at: now, &actions) }
        handOn(at: now, &actions)
    }

    /// Gives `key` a value.
    package mutating func set(
        _ key: [UInt8],
        to value: MessageValue,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) throws(PeerNetworkError) {
        try check(key)
        for slot in Self.slots(of: key) { store(value, in: slot, at: now, &actions) }
        announce(key, at: now, &actions)
    }

    /// Takes `key` out; throws ``PeerNetworkError`` with code `missing` if nobody has said that there is such a key.
    package mutating func remove(_ key: [UInt8], at now: Int64, _ actions: inout [NodeAction]) throws(PeerNetworkError)
    {
        // A py2p node that is told to delete what it has not cuts the link.
        guard keys.remove(key) != nil else { throw PeerNetworkError(.missing, "there is no such key") }
        for slot in Self.slots(of: key) { store(.null, in: slot, at: now, &actions) }
        actions.append(.tell(.deleted(key: key)))
        _ = mesh.broadcast([.binary(key), .binary(Array("del".utf8))], SubFlag.notify, at: now, &actions)
    }

    /// Changes some entries of the map at `key`, wherever that is.
    package mutating func change(
        _ key: [UInt8],
        by entries: [MessageValue.Entry],
        at now: Int64,
        _ actions: inout [NodeAction]
    ) throws(PeerNetworkError) {
        try check(key)
        for slot in Self.slots(of: key) { change(slot, by: entries, at: now, &actions) }
        announce(key, at: now, &actions)
    }

    /// Tells all that there is such a key, if that is news.
    private mutating func announce(_ key: [UInt8], at now: Int64, _ actions: inout [NodeAction]) {
        guard keys.insert(key).inserted else { return }
        actions.append(.tell(.added(key: key)))
        _ = mesh.broadcast([.binary(key)], SubFlag.notify, at: now, &actions)
    }

    /// Looks `key` up in all tables; `finish` is called once with what three of them agree on, or nil if they do not in time.
    package mutating func find(
        _ key: [UInt8],
        within seconds: Int64,
        at now: Int64,
        _ actions: inout [NodeAction],
        finish: @escaping @Sendable (MessageValue?) -> Void
    ) {
        guard searches.count < limits.searchesMax else { return actions.append(.call { finish(nil) }) }
        lastSearch += 1
        let slots = Self.slots(of: key)
        searches[lastSearch] = Search(slots: slots, until: now + seconds, finish: finish)
        for slot in slots {
            if let node = responsible(for: slot) {
                whisper(
                    [slot.table.value, .binary(slot.position.base58)],
                    SubFlag.retrieve,
                    to: node,
                    at: now,
                    &actions
                )
            } else {
                answer(slot, held[slot] ?? .null, at: now, &actions)
            }
        }
    }

    // MARK: What others do

    package mutating func take(
        _ outcome: MeshStateMachine.Outcome,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        switch outcome {
        case .greeted(let id, _, isNew: true): tellRole(to: id, at: now, &actions)
        case .passed(let message, let id, _): take(message, from: id, at: now, &actions)
        case .lost(let id): storing[id] = nil
        case .greeted, .recognised, .done: break
        }
    }

    package mutating func tick(at now: Int64, _ actions: inout [NodeAction]) {
        mesh.tick(at: now, &actions)
        for (number, search) in searches.sorted(by: { $0.key < $1.key }) {
            // An answer that there is nothing may be followed by the value, from a node that had to ask another.
            let isOver = search.until <= now || search.emptySince.map { $0 + limits.emptySeconds <= now } ?? false
            if isOver { finish(number, nil, &actions) }
        }
        for (slot, waiting) in askers {
            let left = waiting.filter { $0.value > now }
            askers[slot] = left.isEmpty ? nil : left
        }
    }

    private mutating func take(
        _ message: PeerMessage,
        from id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let payload = message.payload
        switch message.subFlag {
        case SubFlag.handshake where payload.count == 1: takeRole(payload[0], of: id, at: now, &actions)
        case SubFlag.notify: takeNotice(payload, &actions)
        case SubFlag.store where payload.count == 3:
            if let slot = Slot(payload) { store(payload[2], in: slot, at: now, &actions) }
        case SubFlag.delta where payload.count == 3:
            if let slot = Slot(payload), case .map(let entries) = payload[2] {
                change(slot, by: entries, at: now, &actions)
            }
        case SubFlag.retrieve where payload.count == 2:
            if let slot = Slot(payload) { retrieve(slot, payload, for: id, at: now, &actions) }
        case SubFlag.retrieved where payload.count == 3:
            if let slot = Slot(payload) { takeRetrieved(slot, payload, at: now, &actions) }
        default: break
        }
    }

    private mutating func takeRole(
        _ value: MessageValue,
        of id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let isStoring = value.octets == Array("0".utf8) || value.int == 0
        guard isStoring != (storing[id] != nil) else { return }
        guard isStoring else {
            storing[id] = nil
            return tellRole(to: id, at: now, &actions)
        }
        guard let place = RingNumber(base58: id.octets) else { return }
        storing[id] = place
        tellRole(to: id, at: now, &actions)
        handOn(at: now, &actions)
    }

    private mutating func takeNotice(_ payload: [MessageValue], _ actions: inout [NodeAction]) {
        guard let key = payload.first?.octets, !key.isEmpty, key.count <= limits.keyBytesMax else { return }
        if payload.count > 1 {
            if keys.remove(key) != nil { actions.append(.tell(.deleted(key: key))) }
        } else if keys.count < limits.keysMax, keys.insert(key).inserted {
            actions.append(.tell(.added(key: key)))
        }
    }

    private mutating func retrieve(
        _ slot: Slot,
        _ payload: [MessageValue],
        for asker: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let node = responsible(for: slot), node != asker else {
            return whisper(payload + [held[slot] ?? .null], SubFlag.retrieved, to: asker, at: now, &actions)
        }
        guard askers.count < limits.searchesMax else { return }
        askers[slot, default: [:]][asker] = now + limits.askSeconds
        whisper(payload, SubFlag.retrieve, to: node, at: now, &actions)
    }

    private mutating func takeRetrieved(
        _ slot: Slot,
        _ payload: [MessageValue],
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        for asker in (askers.removeValue(forKey: slot) ?? [:]).keys.sorted() {
            whisper(payload, SubFlag.retrieved, to: asker, at: now, &actions)
        }
        answer(slot, payload[2], at: now, &actions)
    }

    private mutating func answer(
        _ slot: Slot,
        _ value: MessageValue,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        for (number, search) in searches.sorted(by: { $0.key < $1.key }) where search.slots.contains(slot) {
            var search = search
            // Nothing there is what a node says that still asks another.
            if value != .null || search.answers[slot] == nil { search.answers[slot] = value }
            let values = search.answers.values.filter { $0 != .null }
            if let agreed = values.first(where: { value in values.count { $0 == value } >= limits.agreeing }) {
                finish(number, agreed, &actions)
                continue
            }
            if search.answers.count == search.slots.count, values.count < limits.agreeing, search.emptySince == nil {
                search.emptySince = now
            }
            searches[number] = search
        }
    }

    private mutating func finish(_ number: Int, _ value: MessageValue?, _ actions: inout [NodeAction]) {
        guard let finish = searches.removeValue(forKey: number)?.finish else { return }
        actions.append(.call { finish(value) })
    }

    // MARK: Who has what

    private static func slots(of key: [UInt8]) -> [Slot] {
        ChordTable.allCases.map { Slot(table: $0, position: $0.position(of: key)) }
    }

    private func check(_ key: [UInt8]) throws(PeerNetworkError) {
        guard !key.isEmpty, key.count <= limits.keyBytesMax else {
            throw PeerNetworkError(.key, "a key has 1 to \(limits.keyBytesMax) octets")
        }
    }

    /// The neighbour whose part `slot` is in; nil if it is in this node's own, or nobody's.
    private func responsible(for slot: Slot) -> NodeID? {
        var nearest: (node: NodeID?, distance: RingNumber)?
        if isStoring, let place { nearest = (nil, place.distance(to: slot.position)) }
        for (id, place) in storing {
            let distance = place.distance(to: slot.position)
            if nearest.map({ distance < $0.distance }) ?? true { nearest = (id, distance) }
        }
        return nearest?.node
    }

    private mutating func store(
        _ value: MessageValue,
        in slot: Slot,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        if let node = responsible(for: slot) {
            return whisper(slot.values + [value], SubFlag.store, to: node, at: now, &actions)
        }
        if value == .null {
            held[slot] = nil
        } else if held[slot] != nil || held.count < limits.slotsMax {
            held[slot] = value
        }
    }

    private mutating func change(
        _ slot: Slot,
        by changes: [MessageValue.Entry],
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        if let node = responsible(for: slot) {
            return whisper(slot.values + [.map(changes)], SubFlag.delta, to: node, at: now, &actions)
        }
        guard let value = (held[slot] ?? .map([])).changed(by: changes),
            held[slot] != nil || held.count < limits.slotsMax
        else { return }
        held[slot] = value
    }

    /// Gives what is held here, and is in another's part, to that one.
    private mutating func handOn(at now: Int64, _ actions: inout [NodeAction]) {
        for (slot, value) in held.sorted(by: { $0.key < $1.key }) {
            guard let node = responsible(for: slot) else { continue }
            whisper(slot.values + [value], SubFlag.store, to: node, at: now, &actions)
            // Who holds a part keeps a copy, as py2p does: the other may go without a word.
            if !isStoring { held[slot] = nil }
        }
    }

    private mutating func tellRole(to id: NodeID, at now: Int64, _ actions: inout [NodeAction]) {
        whisper([.text(isStoring ? "0" : "1")], SubFlag.handshake, to: id, at: now, &actions)
        for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            whisper([.binary(key)], SubFlag.notify, to: id, at: now, &actions)
        }
    }

    private mutating func whisper(
        _ payload: [MessageValue],
        _ subFlag: Int64,
        to id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let link = mesh.table[id] else { return }
        mesh.whisper(payload, subFlag, on: link, at: now, &actions)
    }
}

extension ChordRules.Slot {
    /// The slot that a message names; nil if it names none.
    fileprivate init?(_ payload: [MessageValue]) {
        guard payload.count >= 2, let name = payload[0].octets, let text = payload[1].octets,
            let table = ChordTable(rawValue: String(decoding: name, as: UTF8.self)),
            let position = RingNumber(base58: text)
        else { return nil }
        self.init(table: table, position: position)
    }

    /// As it stands in a message.
    fileprivate var values: [MessageValue] { [table.value, .binary(position.base58)] }
}

extension ChordTable {
    fileprivate var value: MessageValue { .binary(Array(rawValue.utf8)) }
}

/// How much a node of a chord network holds and waits for.
package struct ChordLimits: Sendable {
    /// Values in all tables.
    package var slotsMax = 500_000
    /// Keys that are known to exist.
    package var keysMax = 100_000
    /// The longest key, in octets.
    package var keyBytesMax = 4096
    /// Look-ups at a time, this node's own and those of others.
    package var searchesMax = 10_000
    /// How long another node is asked on somebody's behalf, in seconds.
    package var askSeconds: Int64 = 10
    /// How long to wait for a value after all tables were said to have none, in seconds.
    package var emptySeconds: Int64 = 1
    /// So many of the five tables have to say the same.
    package var agreeing = 3

    /// The defaults.
    package init() {}
}
