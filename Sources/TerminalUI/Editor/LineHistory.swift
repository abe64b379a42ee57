// The lines entered before, to be called back with the arrow keys.

/// At most ``countMax`` lines, oldest first, and a place in them.
struct LineHistory: Sendable {
    let countMax: Int
    private(set) var lines: [String] = []
    /// The line shown; nil: the one being written.
    private var place: Int?
    /// The line being written, while another is shown.
    private var draft = ""

    init(_ lines: [String], countMax: Int) {
        self.countMax = max(0, countMax)
        for line in lines { add(line) }
    }

    /// Appends `line` unless it repeats the last one, and returns to the line being written.
    mutating func add(_ line: String) {
        (place, draft) = (nil, "")
        guard !line.isEmpty, line != lines.last else { return }
        lines.append(line)
        if lines.count > countMax { lines.removeFirst(lines.count - countMax) }
    }

    /// The line before the one shown, which is `current`; nil at the oldest.
    mutating func older(than current: String) -> String? {
        let next = (place ?? lines.count) - 1
        guard lines.indices.contains(next) else { return nil }
        if place == nil { draft = current }
        place = next
        return lines[next]
    }

    /// The line after the one shown, at last the one being written; nil if that is shown.
    mutating func newer() -> String? {
        guard let shown = place else { return nil }
        place = shown + 1 < lines.count ? shown + 1 : nil
        return place.map { lines[$0] } ?? draft
    }

    /// The newest line older than the one shown that contains `text`, for a search.
    func index(of text: String, before end: Int) -> Int? {
        lines[..<min(end, lines.count)].lastIndex { $0.contains(text) }
    }
}
