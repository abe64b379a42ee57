// Which messages a node has taken already, for as long as another would take them for new.

/// A set of ids that forgets each when its message is too old for anybody to relay, and the oldest when there are too many.
struct SeenMessages: Sendable {
    private let countMax: Int
    private var ids: Set<MessageID> = []
    /// By the second in which they are forgotten.
    private var expiring: [Int64: [MessageID]] = [:]
    private var earliest: Int64 = .max

    init(countMax: Int) {
        self.countMax = countMax
    }

    var count: Int { ids.count }

    func contains(_ id: MessageID) -> Bool { ids.contains(id) }

    /// Remembers `id` until `second`; false if it was there.
    mutating func insert(_ id: MessageID, until second: Int64) -> Bool {
        guard ids.insert(id).inserted else { return false }
        expiring[second, default: []].append(id)
        earliest = min(earliest, second)
        while ids.count > countMax { forgetEarliest() }
        return true
    }

    /// Forgets what expires before `second`.
    mutating func forget(before second: Int64) {
        while earliest < second { forgetEarliest() }
    }

    private mutating func forgetEarliest() {
        for id in expiring.removeValue(forKey: earliest) ?? [] { ids.remove(id) }
        earliest = expiring.keys.min() ?? .max
    }
}
