// The newest events, so many and no more.

/// Events in order of revision; the oldest make room for new ones.
struct EventRing {
    private var events: [PeerEvent] = []
    /// Where the oldest stands once the ring is full.
    private var start = 0
    private let eventsMax: Int
    /// The revision of the last change before the first event.
    private let base: UInt64

    /// An empty ring of a store whose last revision is `base`.
    init(eventsMax: Int, base: UInt64) {
        self.eventsMax = max(1, eventsMax)
        self.base = base
    }

    /// Adds an event of a higher revision than all before.
    mutating func append(_ event: PeerEvent) {
        guard events.count == eventsMax else { return events.append(event) }
        events[start] = event
        start = (start + 1) % eventsMax
    }

    /// Events after `since`, at most `limit`; gone if one of them is no longer held.
    func events(since: UInt64, limit: Int) -> PeerEventPage {
        guard let oldest = events.isEmpty ? nil : self[0].revision else {
            return since < base ? .gone(oldest: base + 1) : .events([])
        }
        // Until it is full, the ring goes back to the base.
        let heldSince = events.count < eventsMax ? base : oldest - 1
        guard since >= heldSince else { return .gone(oldest: events.count < eventsMax ? base + 1 : oldest) }
        var (low, high) = (0, events.count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].revision <= since { low = middle + 1 } else { high = middle }
        }
        return .events((low..<min(events.count, low + max(0, limit))).map { self[$0] })
    }

    private subscript(_ index: Int) -> PeerEvent { events[(start + index) % events.count] }
}
