// A table that forgets what was not used for long, in constant time and bounded memory.

/// Holds at most `entriesMax` values; when it is full, the half that was not used lately goes.
struct RecentTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var recent: [Key: Value] = [:]
    private var older: [Key: Value] = [:]
    private let halfMax: Int

    init(entriesMax: Int) {
        halfMax = max(1, entriesMax / 2)
    }

    /// How many values are held; a key is never in both halves.
    var count: Int { recent.count + older.count }

    /// The value for `key`; reading it counts as a use.
    subscript(key: Key) -> Value? {
        mutating get {
            if let value = recent[key] { return value }
            guard let value = older.removeValue(forKey: key) else { return nil }
            insert(value, for: key)
            return value
        }
        set {
            older[key] = nil
            guard let newValue else {
                recent[key] = nil
                return
            }
            insert(newValue, for: key)
        }
    }

    private mutating func insert(_ value: Value, for key: Key) {
        if recent[key] == nil, recent.count >= halfMax { (older, recent) = (recent, [:]) }
        recent[key] = value
    }
}
