// Messages that were announced and have not come: who is asked for them, and when.

/// What is waited for, in the order in which it was announced first.
struct MissingMessages: Sendable {
    private struct State {
        let number: Int
        /// Whose share it counts for.
        let first: LinkID
        /// Those who have it, in the order in which they are asked.
        var announcers: [LinkID]
        var ticks = 0
    }

    /// Twice as long as an announcement can be late.
    private static let ticksUntilAsked = 2
    /// Then another is asked; what was asked for may stand behind much else.
    private static let ticksUntilAskedAgain = 8
    private static let ticksMax = 42
    /// So many are asked for on a link at a time.
    private static let askedMax = 1000
    /// Of all that may be waited for, what one link may have announced first is one part in so many, once half of it is taken.
    private static let shares = 8

    private var states: [MessageID: State] = [:]
    private var lastNumber = 0
    private var shares: [LinkID: Int] = [:]

    var count: Int { states.count }

    var isEmpty: Bool { states.isEmpty }

    /// Those who have announced `id`.
    func announcers(of id: MessageID) -> [LinkID] { states[id]?.announcers ?? [] }

    /// The neighbour at `link` has `id`; false if there is too much to wait for already, from there or at all.
    mutating func add(_ id: MessageID, at link: LinkID, countMax: Int) -> Bool {
        if let state = states[id] {
            if !state.announcers.contains(link) { states[id]?.announcers.append(link) }
            return true
        }
        let share = shares[link, default: 0]
        guard states.count < countMax, share < max(1, countMax / Self.shares) || states.count < countMax / 2 else {
            return false
        }
        lastNumber += 1
        states[id] = State(number: lastNumber, first: link, announcers: [link])
        shares[link] = share + 1
        return true
    }

    /// It has come, or is of no use.
    mutating func remove(_ id: MessageID) {
        guard !states.isEmpty, let state = states.removeValue(forKey: id) else { return }
        shares[state.first] = shares[state.first].flatMap { $0 > 1 ? $0 - 1 : nil }
    }

    /// Lets a tick pass; what is to be asked for now, by links in their order and messages in the order of their announcement.
    ///
    /// Links that are not `isUp` are asked no more, and what nobody else has is given up.
    mutating func tick(isUp: (LinkID) -> Bool) -> [(link: LinkID, ids: [MessageID])] {
        var asked: [LinkID: [MessageID]] = [:]
        for (id, state) in states.sorted(by: { $0.value.number < $1.value.number }) {
            var state = state
            state.announcers.removeAll { !isUp($0) }
            guard let first = state.announcers.first, state.ticks < Self.ticksMax else {
                remove(id)
                continue
            }
            let ticks = state.ticks + 1 - Self.ticksUntilAsked
            if ticks >= 0, ticks % Self.ticksUntilAskedAgain == 0 {
                // The next time, then.
                guard asked[first, default: []].count < Self.askedMax else { continue }
                asked[first, default: []].append(id)
                state.announcers.append(state.announcers.removeFirst())
            }
            state.ticks += 1
            states[id] = state
        }
        return asked.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
    }
}
