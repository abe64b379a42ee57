// How far the segments of a body go, so that all of them can be found by the response's identifier.

/// The responses that have a segment beyond the first, with the highest segment and how many there are.
struct ResponseSpans: Sendable {
    private struct Span: Sendable {
        var response: UInt64
        var highest: Int32
        var count: Int32
    }

    private var spans: [Span] = []
    private var index = CompactIndex()

    /// Octets that they take.
    var memoryBytes: Int { spans.capacity * MemoryLayout<Span>.stride + index.memoryBytes }

    /// The highest segment of `response` that was added and not all taken out since, and how many there are.
    func span(of response: UInt64) -> (highest: Int32, count: Int)? {
        find(response).map { (spans[$0].highest, Int(spans[$0].count)) }
    }

    /// Counts a segment; `others` are those of the response that were not counted since there was no span.
    mutating func add(_ response: UInt64, _ segment: Int32, others: Int32) {
        if let position = find(response) {
            spans[position].highest = max(spans[position].highest, segment)
            spans[position].count += 1
            return
        }
        guard segment > 0 else { return }
        spans.appendTightly(Span(response: response, highest: segment, count: 1 + others))
        Self.insert(spans.count - 1, into: &index, spans)
    }

    /// Takes a segment out of the count.
    mutating func remove(_ response: UInt64) {
        guard let position = find(response) else { return }
        spans[position].count -= 1
        guard spans[position].count == 0 else { return }
        Self.remove(position, from: &index, spans)
        let last = spans.count - 1
        if position != last {
            // The last one moves into the gap, so that there are none.
            Self.remove(last, from: &index, spans)
            spans[position] = spans[last]
            Self.insert(position, into: &index, spans)
        }
        spans.removeLast()
    }

    private static func insert(_ position: Int, into index: inout CompactIndex, _ spans: [Span]) {
        index.insert(position, spread(spans[position].response)) { spread(spans[$0].response) }
    }

    private static func remove(_ position: Int, from index: inout CompactIndex, _ spans: [Span]) {
        index.remove(position, spread(spans[position].response)) { spread(spans[$0].response) }
    }

    private func find(_ response: UInt64) -> Int? {
        index.find(spread(response)) { spans[$0].response == response }
    }
}
