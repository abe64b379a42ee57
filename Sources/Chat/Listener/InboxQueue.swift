// What waits to be stored, and what of it goes into the next transaction.

/// What bounds the inbox.
package struct InboxLimits: Sendable, Hashable {
    /// Entries that wait, in all.
    package var entriesMax = 1_024
    /// Entries of one key or address that wait.
    package var entriesPerSourceMax = 32
    /// Entries of one transaction.
    package var batchEntriesMax = 128
    /// Messages of one transaction: what comes meanwhile waits for so many to be stored.
    package var batchMessagesMax = 512

    package init() {}
}

/// A bounded queue for each source, emptied in turns; a pure state machine.
struct InboxQueue<Source: Hashable & Sendable, Entry: Sendable>: Sendable {
    private struct Item: Sendable {
        let entry: Entry
        let messages: Int
    }

    private let limits: InboxLimits
    private var items: [Source: [Item]] = [:]
    /// Sources with entries, the next one first.
    private var turns: [Source] = []
    private(set) var count = 0

    init(limits: InboxLimits) {
        self.limits = limits
    }

    /// Adds an entry behind those of its source.
    ///
    /// - Returns: False if there is no room: nothing was added.
    mutating func add(_ entry: Entry, of source: Source, messages: Int) -> Bool {
        let waiting = items[source]?.count ?? 0
        guard count < limits.entriesMax, waiting < limits.entriesPerSourceMax else { return false }
        if waiting == 0 { turns.append(source) }
        items[source, default: []].append(Item(entry: entry, messages: messages))
        count += 1
        return true
    }

    /// Takes the entries of the next transaction: one of each source in turn, each source's in order.
    mutating func takeBatch() -> [Entry] {
        var batch: [Entry] = []
        var messages = 0
        while let source = turns.first, let item = items[source]?.first {
            guard batch.count < limits.batchEntriesMax else { break }
            guard batch.isEmpty || messages + item.messages <= limits.batchMessagesMax else { break }
            batch.append(item.entry)
            messages += item.messages
            count -= 1
            turns.removeFirst()
            items[source]?.removeFirst()
            if items[source]?.isEmpty == true { items[source] = nil } else { turns.append(source) }
        }
        return batch
    }
}
