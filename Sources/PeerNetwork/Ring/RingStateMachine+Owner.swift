// What the owner of a place does when a question or a value has come to it.

extension RingStateMachine {
    mutating func settle(
        _ route: Route,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        switch route.kind {
        case .find:
            answer(route.nonce, [me.value], route.hops, mesh, at: now, &actions)
        case .get:
            guard let slot = ChordSlot(route.body) else { return }
            events.append(.wanted(Request(nonce: route.nonce, slot: slot, hops: route.hops)))
        case .peek:
            guard let slot = ChordSlot(route.body) else { return }
            answer(route.nonce, store[slot]?.values ?? [], route.hops, mesh, at: now, &actions)
        case .put:
            guard let slot = ChordSlot(route.body), let entry = RingEntry(route.body.dropFirst(2)),
                slot.place == route.place, isInTime(entry.version, at: now)
            else { return }
            if isTaken(entry, at: now) { keep(slot, entry, mesh, at: now, &actions) }
            // Without room for it the answer is none; what was taken out long ago is as good as there.
            let isForgotten = entry.value == .null && store[slot] == nil
            guard let latest = store[slot]?.version ?? (isForgotten ? entry.version : nil) else { return }
            answer(route.nonce, [latest.value], route.hops, mesh, at: now, &actions)
        case .change:
            guard let slot = ChordSlot(route.body), slot.place == route.place else { return }
            guard store[slot] == nil, startPeek(slot, .peekToChange(route), mesh, at: now, &actions) else {
                return change(route, mesh, at: now, &actions)
            }
        }
    }

    /// Changes a map of this node's own range; if it cannot, the answer is none.
    mutating func change(
        _ route: Route,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let slot = ChordSlot(route.body), case .map(let changes)? = route.body.dropFirst(2).first else { return }
        let old = store[slot]
        let map = old.flatMap { $0.value == .null ? nil : $0.value } ?? .map([])
        let version = old?.version.next(by: me.id, at: now) ?? RingVersion(time: now, number: 0, author: me.id)
        let entry = map.changed(by: changes).map { RingEntry($0, version) }
        if let entry, isTaken(entry, at: now) { keep(slot, entry, mesh, at: now, &actions) }
        let isKept = store[slot]?.version == version
        answer(route.nonce, isKept ? [version.value] : [], route.hops, mesh, at: now, &actions)
    }

    /// Keeps an entry of this node's own range, and gives copies to its successors.
    mutating func keep(
        _ slot: ChordSlot,
        _ entry: RingEntry,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let old = store[slot]?.value
        guard store.merge(slot, entry) else { return }
        for successor in table.successors.prefix(limits.replicas - 1) {
            whisper(slot.values + entry.values, SubFlag.ringEntries, to: successor.id, mesh, at: now, &actions)
        }
        if old != entry.value { events.append(.owned(slot, entry.value)) }
    }

    /// Answers a question with what is here; if that is nothing, those behind are asked first.
    mutating func reply(
        _ request: Request,
        with entry: RingEntry?,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        if let entry { return answer(request.nonce, entry.values, request.hops, mesh, at: now, &actions) }
        if !startPeek(request.slot, .peek(request), mesh, at: now, &actions) {
            answer(request.nonce, [], request.hops, mesh, at: now, &actions)
        }
    }

    /// Asks those behind for what this node has not; false if there is nobody to ask.
    mutating func startPeek(
        _ slot: ChordSlot,
        _ purpose: Purpose,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Bool {
        guard table.successors.contains(where: { members[$0.id] != nil }), queries.count < limits.pendingMax else {
            return false
        }
        let route = Route(nonce: generator.next(), kind: .peek, place: slot.place, body: slot.values)
        // Two of them are enough.
        let attempts = max(0, limits.attemptsMax - 2)
        queries[route.nonce] = Query(route: route, purpose: purpose, attempts: attempts, due: ticks + 2)
        peek(route, at: attempts, mesh, at: now, &actions)
        return true
    }

    mutating func peek(
        _ route: Route,
        at attempt: Int,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let linked = table.successors.filter { members[$0.id] != nil }
        guard !linked.isEmpty else { return }
        let successor = linked[attempt % min(2, linked.count)].id
        queries[route.nonce]?.firstHop = successor
        send(route, to: successor, mesh, at: now, &actions)
    }
}
