// How much a store of conversations keeps, and the rule by which it knows what is new.

/// The bounds of a ``ChatStore``.
package struct ChatStoreLimits: Sendable {
    /// Streams whose highest number is kept for one sender's key; the least recently used goes first.
    ///
    /// Only the holder of a key can make streams of it, so nobody can push out another's. Whoever captured a body can
    /// have it shown a second time only if its sender began so many newer streams, that is lost its outbox so often, before
    /// the receiver dropped the sealing key, 70 minutes at most.
    package var streamsPerKeyMax = 8
    /// Streams in all, as strangers can make as many keys as they like.
    ///
    /// The least recently used of a key that is pinned to no
    /// name goes first; those of pinned keys never go for this.
    package var streamsMax = 100_000
    /// Lines of history; the oldest go first.
    package var historyLinesMax = 100_000
    /// Messages that were received and not marked as shown; the oldest go first, and are then in the history alone.
    package var unshownMax = 10_000
    /// Failed messages, with their reasons; the oldest go first.
    package var failedMax = 1000

    package init() {}
}

extension StoredBody {
    /// What is new in `messages` if all up to `highest` was stored before.
    package init(_ messages: [ChatMessage], after highest: UInt64) {
        var last = highest
        let new = messages.filter { message in
            guard message.sequence > last else { return false }
            last = message.sequence
            return true
        }
        let missing = new.first.map { $0.sequence - highest - 1 } ?? 0
        self.init(highest: last, new: new, missing: missing)
    }
}
