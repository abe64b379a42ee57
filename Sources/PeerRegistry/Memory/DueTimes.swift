// Which slot is due next: a heap with one item a slot that is not moved when a lease is renewed.

/// A binary heap of (time, slot).
///
/// A renewal only makes the time later, so it touches nothing here: whoever takes an item compares it with the slot's
/// real time, and puts it back if that is later. Only a time that became earlier adds an item.
struct DueTimes {
    struct Item: Equatable {
        var time: Int64
        var slot: UInt32
    }

    private var items: [Item] = []

    /// How many there are, also of slots that have a later one by now.
    var count: Int { items.count }

    /// The earliest.
    var first: Item? { items.first }

    /// Adds an item.
    mutating func insert(_ item: Item) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child].time < items[parent].time else { return }
            items.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest out.
    mutating func removeFirst() -> Item? {
        guard let first = items.first, let last = items.popLast() else { return nil }
        guard !items.isEmpty else { return first }
        items[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < items.count else { break }
            if child + 1 < items.count, items[child + 1].time < items[child].time { child += 1 }
            guard items[child].time < items[parent].time else { break }
            items.swapAt(child, parent)
            parent = child
        }
        return first
    }
}
