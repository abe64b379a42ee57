// What goes wrong with links, for people: each once, as what fails is tried again every second or two.

/// What was told lately.
struct Troubles: Sendable {
    /// What people may have overlooked where two nodes do not understand each other.
    static let guess = "is it a node of another network, or has one of the two TLS and one not?"

    private static let pauseSeconds: Int64 = 60
    /// Peers choose what many of them say.
    private static let countMax = 256

    private var told: [String: Int64] = [:]

    /// Whether `text` was not told within the last minute; it is now.
    ///
    /// `isOwn`: it is of an address that the user has given, and told however many others there are.
    mutating func isNew(_ text: String, isOwn: Bool, at now: Int64) -> Bool {
        if let last = told[text], now < last + Self.pauseSeconds { return false }
        if told.count >= Self.countMax { told = told.filter { now < $0.value + Self.pauseSeconds } }
        // Of so many in a minute it is not worth while to tell each.
        guard isOwn || told.count < Self.countMax else { return false }
        told[text] = now
        return true
    }
}

extension MeshStateMachine {
    /// Tells the user what went wrong, unless that was told just before.
    mutating func tellTrouble(
        _ text: String,
        isOwn: Bool = false,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        if troubles.isNew(text, isOwn: isOwn, at: now) { actions.append(.tell(.trouble(text))) }
    }

    /// Tells the user why a link has ended, or was none; nil: nobody has said why.
    mutating func tellEnd(of gone: Link, _ why: String?, at now: Int64, _ actions: inout [NodeAction]) {
        switch (gone.dialled, gone.peer, why) {
        case (let address?, nil, let why?) where !gone.isOpen:
            tellTrouble("cannot reach \(address): \(why)", isOwn: wishes[address] != nil, at: now, &actions)
        case (let address?, nil, nil) where gone.isOpen && wishes[address] != nil:
            let text = "\(address) closed the link before it said who it is; \(Troubles.guess)"
            tellTrouble(text, isOwn: true, at: now, &actions)
        case (let address, let peer, let why?):
            let place = (address ?? peer?.address).map { "the link to \($0)" } ?? "a link that came in"
            tellTrouble("closed \(place): \(why)", at: now, &actions)
        case (_, _, nil): break
        }
    }
}
