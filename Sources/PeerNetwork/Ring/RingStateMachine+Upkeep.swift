// What a member of a ring does in time: neighbours are asked, fingers looked up, links that nobody needs let go.

extension RingStateMachine {
    /// Does what is due; to be called every quarter of a second.
    mutating func tick(_ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        ticks += 1
        retryQueries(&mesh, at: now, &actions)
        if ticks % 8 == 0 {
            for (nonce, item) in pending where item.until <= ticks { _ = forgetPending(nonce) }
        }
        guard isMember else { return }
        for (id, time) in asked.sorted(by: { $0.key < $1.key }) where time + limits.answerTicks < ticks {
            bury(id, &mesh, at: now, &actions)
        }
        for (id, call) in dialling.sorted(by: { $0.key < $1.key }) where call.since + limits.dialTicks < ticks {
            bury(id, &mesh, at: now, &actions)
        }
        if ticks % limits.stabiliseTicks == 0 {
            stabilise(&mesh, at: now, &actions)
            checkPredecessor(&mesh, at: now, &actions)
        }
        if ticks % limits.mergeTicks == 0 { findSuccessor(&mesh, at: now, &actions) }
        refreshFinger(&mesh, at: now, &actions)
        if digestDue <= ticks { sendDigests(mesh, at: now, &actions) }
        if ticks % limits.guardedTicks == 0 { tidy(&mesh, at: now, &actions) }
        if ticks % 8 == 0 { leaveIdleLinks(&mesh, at: now, &actions) }
    }

    private mutating func checkPredecessor(
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let predecessor = table.predecessor, lastAskOfPredecessor + limits.answerTicks < ticks else { return }
        if members[predecessor.id] != nil {
            ask(predecessor, &mesh, at: now, &actions)
        } else if let time = dead[predecessor.id], time + limits.deadTicks > ticks {
            forget(predecessor.id, &mesh, at: now, &actions)
        } else {
            dial(predecessor, &mesh, at: now, &actions)
        }
    }

    private mutating func refreshFinger(_ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        guard fingerDue <= ticks, let last = table.successors.last else { return }
        let exponent = nextFinger
        let place = me.place.advanced(byPowerOfTwo: exponent)
        let isNear = place.isWithin(after: me.place, upTo: last.place)
        if isNear || exponent == 0 || table.isWholeRing {
            // Those below are successors.
            for lower in 0...exponent { table.setFinger(lower, nil) }
            nextFinger = RingNumber.bitCount - 1
            fingerDue = ticks + limits.fingerTicks
            return
        }
        nextFinger -= 1
        start(.find, place, [], .finger(exponent), through: nil, &mesh, at: now, &actions)
    }

    private mutating func leaveIdleLinks(
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let contacts = table.contacts
        for id in members.keys.sorted() {
            guard !contacts.contains(id), asked[id] == nil else {
                idle[id] = nil
                continue
            }
            let since = idle[id] ?? ticks
            idle[id] = since
            guard since + limits.idleTicks < ticks, let link = mesh.table[id] else { continue }
            idle[id] = nil
            guard mesh.leave(link, at: now, &actions) != nil else { continue }
            members[id] = nil
            events.append(.left(id))
        }
        dead = dead.filter { $0.value + limits.deadTicks > ticks }
    }
}
