// From whoever asks to the owner of a place, step by step, and the answer back the same way.

extension RingStateMachine {
    // MARK: What is asked for

    /// Looks up what is in `slot`: an event says so later.
    mutating func get(
        _ slot: ChordSlot,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        start(.get, slot.place, slot.values, .get(slot), through: nil, &mesh, at: now, &actions)
    }

    /// Brings an entry to its place: an event says so later.
    mutating func put(
        _ slot: ChordSlot,
        _ entry: RingEntry,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let body = slot.values + entry.values
        start(.put, slot.place, body, .put(slot, entry), through: nil, &mesh, at: now, &actions)
    }

    /// Has the owner of `slot` change its map: an event says so later.
    mutating func change(
        _ slot: ChordSlot,
        by entries: [MessageValue.Entry],
        _ number: Int,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let body = slot.values + [.map(entries)]
        start(.change, slot.place, body, .change(slot, number), through: nil, &mesh, at: now, &actions)
    }

    /// Who owns `place`: an event says so later under `number`, and how far it was.
    mutating func locate(
        _ place: RingNumber,
        _ number: Int,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        start(.find, place, [], .locate(number), through: nil, &mesh, at: now, &actions)
    }

    /// Asks, the first time through `first` if that is given.
    mutating func start(
        _ kind: Route.Kind,
        _ place: RingNumber,
        _ body: [MessageValue],
        _ purpose: Purpose,
        through first: NodeID?,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard queries.count < limits.pendingMax else { return giveUp(purpose, mesh, at: now, &actions) }
        let route = Route(nonce: generator.next(), kind: kind, place: place, body: body)
        queries[route.nonce] = Query(route: route, purpose: purpose, due: ticks + limits.retryTicks, firstHop: first)
        if let first {
            send(route, to: first, mesh, at: now, &actions)
        } else {
            carry(route, from: nil, &mesh, at: now, &actions)
        }
    }

    mutating func retryQueries(_ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        let due = queries.filter { $0.value.due <= ticks }.sorted { $0.key < $1.key }
        for (nonce, old) in due {
            queries[nonce] = nil
            guard old.attempts + 1 < limits.attemptsMax else {
                giveUp(old.purpose, mesh, at: now, &actions)
                continue
            }
            let route = Route(
                nonce: generator.next(),
                kind: old.route.kind,
                place: old.route.place,
                body: old.route.body
            )
            var query = Query(route: route, purpose: old.purpose, attempts: old.attempts + 1, due: 0)
            query.due = ticks + limits.retryTicks * (1 + query.attempts / 2)
            queries[route.nonce] = query
            switch old.purpose {
            case .peek, .peekToChange: peek(route, at: query.attempts, mesh, at: now, &actions)
            default: carry(route, from: nil, attempt: query.attempts, &mesh, at: now, &actions)
            }
        }
    }

    private mutating func giveUp(
        _ purpose: Purpose,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        switch purpose {
        // Who waits for it has an end of his own.
        case .successor, .change, .get: break
        case .finger(let exponent): table.setFinger(exponent, nil)
        case .locate(let number): events.append(.located(number, nil, hops: 0))
        case .put(let slot, let entry): events.append(.notStored(slot, entry.version))
        case .peek(let request): answer(request.nonce, [], request.hops, mesh, at: now, &actions)
        case .peekToChange(let route): change(route, mesh, at: now, &actions)
        }
    }

    // MARK: On the way

    /// Does what is asked if the place is this node's own, else hands it on.
    mutating func carry(
        _ route: Route,
        from asker: NodeID?,
        attempt: Int = 0,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        if let asker {
            guard route.hops <= limits.hopsMax, pending.count < limits.pendingMax, queries[route.nonce] == nil,
                pending[route.nonce] == nil, pendingCounts[asker, default: 0] < limits.pendingPerNeighbourMax
            else { return }
            pending[route.nonce] = (asker, ticks + 2 * limits.retryTicks)
            pendingCounts[asker, default: 0] += 1
        }
        if route.kind == .peek || isOwn(route) { return settle(route, &mesh, at: now, &actions) }
        guard let (next, isFinal) = nextStep(for: route, from: asker, attempt: attempt) else { return }
        var route = route
        route.hops += 1
        route.isFinal = isFinal
        if asker == nil { queries[route.nonce]?.firstHop = next }
        send(route, to: next, mesh, at: now, &actions)
    }

    func send(
        _ route: Route,
        to id: NodeID,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        whisper(route.payload, SubFlag.ringRoute, to: id, mesh, at: now, &actions)
    }

    private func isOwn(_ route: Route) -> Bool {
        // Who has just come and knows nobody behind it has nothing yet.
        guard isMember, !table.successors.isEmpty || members.isEmpty else { return false }
        guard route.isFinal || !isYoung, nearerOwner(of: route.place) == nil else { return false }
        if let range = table.range { return range.contains(route.place) }
        // Who sent it took this node for the owner, and it knows of nobody who would be.
        return route.isFinal
    }

    /// Whether it may not be known yet to all who should know it: what it believes to own may be others'.
    private var isYoung: Bool { !table.isWholeRing && joinedAt + limits.youthTicks > ticks }

    /// A member with a link that is at or behind `place`, and before this node.
    private func nearerOwner(of place: RingNumber) -> NodeID? {
        var best: (distance: RingNumber, id: NodeID?) = (place.distance(to: me.place), nil)
        for member in members.values {
            let distance = place.distance(to: member.place)
            if distance < best.distance { best = (distance, member.id) }
        }
        return best.id
    }

    /// Who is to have it next, and whether that is the owner as far as is known here.
    private func nextStep(for route: Route, from asker: NodeID?, attempt: Int) -> (NodeID, isFinal: Bool)? {
        let place = route.place
        if isMember, route.isFinal, let nearer = nearerOwner(of: place), nearer != asker { return (nearer, true) }
        guard isMember, !table.successors.isEmpty, route.isFinal || !isYoung else {
            let nearest = ranked(members.values, skipping: asker) { $0.place.distance(to: place) }
            return nearest.isEmpty ? nil : (nearest[min(attempt % 3, nearest.count - 1)], false)
        }
        if route.isFinal, let before = table.predecessor, members[before.id] != nil { return (before.id, true) }
        var start = me.place
        for successor in table.successors {
            if place.isWithin(after: start, upTo: successor.place) {
                if members[successor.id] != nil { return (successor.id, true) }
                break
            }
            start = successor.place
        }
        // The nearest before the place, and at least one step nearer than this node.
        let before = members.values.filter { $0.place.isWithin(after: me.place, upTo: place) }
        let nearest = ranked(before, skipping: asker) { $0.place.distance(to: place) }
        return nearest.isEmpty ? nil : (nearest[min(attempt % 3, nearest.count - 1)], false)
    }

    /// The first three of `members`, the nearest first.
    private func ranked(
        _ members: some Sequence<RingMember>,
        skipping asker: NodeID?,
        _ distance: (RingMember) -> RingNumber
    ) -> [NodeID] {
        var best: [(distance: RingNumber, id: NodeID)] = []
        for member in members where member.id != asker {
            let item = (distance: distance(member), id: member.id)
            let index = best.firstIndex { (item.distance, item.id) < ($0.distance, $0.id) } ?? best.count
            guard index < 3 else { continue }
            best.insert(item, at: index)
            if best.count > 3 { best.removeLast() }
        }
        return best.map(\.id)
    }

    // MARK: The way back

    mutating func answer(
        _ nonce: UInt64,
        _ body: [MessageValue],
        _ hops: Int64,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        if let query = queries.removeValue(forKey: nonce) {
            return conclude(query, body, hops, mesh, at: now, &actions)
        }
        guard let asker = forgetPending(nonce) else { return }
        let head: [MessageValue] = [.binary(nonce.octets), .integer(hops)]
        whisper(head + body, SubFlag.ringAnswer, to: asker, mesh, at: now, &actions)
    }

    /// Who waits for an answer no longer has to; who that was.
    mutating func forgetPending(_ nonce: UInt64) -> NodeID? {
        guard let asker = pending.removeValue(forKey: nonce)?.asker else { return nil }
        let count = pendingCounts[asker, default: 1] - 1
        pendingCounts[asker] = count > 0 ? count : nil
        return asker
    }

    mutating func takeAnswer(
        _ payload: [MessageValue],
        from id: NodeID,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard payload.count >= 2, let nonce = payload[0].octets.flatMap(UInt64.init(octets:)), let hops = payload[1].int
        else { return }
        let body = Array(payload.dropFirst(2))
        if let query = queries[nonce], query.route.kind == .find {
            guard let member = body.first.flatMap({ RingMember($0) }) else { return }
            queries[nonce] = nil
            return found(member, hops, query.purpose, &mesh, at: now, &actions)
        }
        answer(nonce, body, hops, mesh, at: now, &actions)
    }

    /// An answer to a question of this node's own.
    private mutating func conclude(
        _ query: Query,
        _ body: [MessageValue],
        _ hops: Int64,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        switch query.purpose {
        // It is this node itself.
        case .successor, .finger: break
        case .locate(let number): events.append(.located(number, me, hops: hops))
        case .get(let slot):
            events.append(.got(slot, RingEntry(body).flatMap { isInTime($0.version, at: now) ? $0 : nil }))
        case .put(let slot, let entry):
            guard let latest = body.first.flatMap({ RingVersion($0) }), isInTime(latest, at: now) else {
                events.append(.notStored(slot, entry.version))
                break
            }
            events.append(.stored(slot, entry.version, latest: latest))
        case .change(let slot, let number):
            events.append(body.isEmpty ? .notChanged(slot, number) : .changed(slot, number))
        case .peekToChange(let route):
            if let entry = RingEntry(body), let slot = ChordSlot(route.body), isTaken(entry, at: now) {
                keep(slot, entry, mesh, at: now, &actions)
            }
            change(route, mesh, at: now, &actions)
        case .peek(let request):
            let entry = RingEntry(body).flatMap { isTaken($0, at: now) ? $0 : nil }
            // What another has of this node's range it should have too.
            if let entry { keep(request.slot, entry, mesh, at: now, &actions) }
            answer(request.nonce, entry?.values ?? [], request.hops, mesh, at: now, &actions)
        }
    }

    /// Whether an entry is one to be kept: not from far ahead, nor taken out so long ago that it is forgotten, nor too large.
    func isTaken(_ entry: RingEntry, at now: Int64) -> Bool {
        guard isInTime(entry.version, at: now) else { return false }
        guard entry.value != .null else { return entry.version.time >= now - limits.removedSeconds }
        return entry.value.isWithin(limits)
    }

    func isInTime(_ version: RingVersion, at now: Int64) -> Bool { version.time <= now + limits.aheadSecondsMax }
}

extension RingStateMachine.Route {
    /// The route in a message; nil if there is none.
    init?(_ payload: [MessageValue]) {
        guard payload.count >= 5, let nonce = payload[0].octets.flatMap(UInt64.init(octets:)),
            let kind = payload[1].int.flatMap({ Kind(rawValue: $0) }), let octets = payload[2].octets,
            octets.count == RingNumber.bitCount / 8, let place = RingNumber(octets), let hops = payload[3].int,
            hops >= 0
        else { return nil }
        self.init(
            nonce: nonce,
            kind: kind,
            place: place,
            hops: hops,
            isFinal: payload[4].int == 1,
            body: Array(payload.dropFirst(5))
        )
    }

    /// As it travels.
    var payload: [MessageValue] {
        [
            .binary(nonce.octets), .integer(kind.rawValue), .binary(place.ringOctets), .integer(hops),
            .integer(isFinal ? 1 : 0),
        ] + body
    }
}

extension UInt64 {
    /// The number in eight octets, the highest first; nil if there are not eight.
    fileprivate init?(octets: [UInt8]) {
        guard octets.count == 8 else { return nil }
        self = octets.reduce(0) { $0 << 8 | UInt64($1) }
    }

    fileprivate var octets: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * UInt64($0))) } }
}
