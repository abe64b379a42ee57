// A run of events serialised once, for all watchers.

import HTTP
import PeerIdentity

/// Which kinds of events a watcher wants.
struct EventKinds: Hashable, Sendable {
    private var bits: UInt8

    /// All of them.
    static let all = EventKinds(PeerEvent.Kind.allCases)

    init(_ kinds: [PeerEvent.Kind]) {
        bits = kinds.reduce(0) { $0 | 1 << $1.rawValue }
    }

    /// The kinds that a comma-separated list of their names gives; nil if one is none, or there is none.
    init?(parsing list: ArraySlice<UInt8>) {
        bits = 0
        for name in list.split(separator: 0x2c, omittingEmptySubsequences: false) {
            guard let kind = PeerEvent.Kind.allCases.first(where: { $0.name.utf8.elementsEqual(name) }) else {
                return nil
            }
            bits |= 1 << kind.rawValue
        }
    }

    func contains(_ kind: PeerEvent.Kind) -> Bool { bits & (1 << kind.rawValue) != 0 }
}

extension PeerEvent.Kind {
    /// The name as a stream gives it.
    var name: String {
        switch self {
        case .join: "join"
        case .renew: "renew"
        case .leave: "leave"
        case .expire: "expire"
        }
    }
}

/// Consecutive events as they stand in a stream.
struct EventPage: Sendable {
    private struct Mark {
        let revision: UInt64
        let kind: PeerEvent.Kind
        let end: Int
    }

    /// The revision before the first event.
    let after: UInt64
    private var marks: [Mark] = []
    private var octets: [UInt8] = []

    /// Serialises `events`, which are in order.
    init(_ events: [PeerEvent], after: UInt64) {
        self.after = after
        marks.reserveCapacity(events.count)
        octets.reserveCapacity(events.count * 96)
        for event in events {
            octets.append(event)
            marks.append(Mark(revision: event.revision, kind: event.kind, end: octets.count))
        }
    }

    var count: Int { marks.count }

    /// The revision of the last event.
    var last: UInt64 { marks.last?.revision ?? after }

    /// Events after `cursor` of these kinds; the octets are shared unless some have to be left out.
    func slice(after cursor: UInt64, of kinds: EventKinds) -> ArraySlice<UInt8> {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].revision <= cursor { low = middle + 1 } else { high = middle }
        }
        var start = low == 0 ? 0 : marks[low - 1].end
        guard kinds != .all else { return octets[start...] }
        guard !marks[low...].allSatisfy({ kinds.contains($0.kind) }) else { return octets[start...] }
        var chosen: [UInt8] = []
        for mark in marks[low...] {
            if kinds.contains(mark.kind) { chosen.append(contentsOf: octets[start..<mark.end]) }
            start = mark.end
        }
        return chosen[...]
    }
}

extension [UInt8] {
    /// Appends an event of `text/event-stream` (HTML Living Standard, section 9.2).
    mutating func append(_ event: PeerEvent) {
        append(contentsOf: "id: ".utf8)
        append(decimal: Int64(clamping: event.revision))
        append(contentsOf: "\nevent: ".utf8)
        append(contentsOf: event.kind.name.utf8)
        append(contentsOf: "\ndata: {\"expires\":".utf8)
        append(decimal: event.presentUntil.seconds)
        append(contentsOf: ",\"id\":".utf8)
        append(jsonString: event.identifier.text.utf8)
        append(contentsOf: ",\"revision\":".utf8)
        append(decimal: Int64(clamping: event.revision))
        append(contentsOf: "}\n\n".utf8)
    }

    /// Appends a JSON string of UTF-8 octets.
    mutating func append(jsonString text: some Sequence<UInt8>) {
        append(0x22)
        for octet in text {
            switch octet {
            case 0x22, 0x5c:
                append(0x5c)
                append(octet)
            case 0..<0x20:
                append(contentsOf: "\\u00".utf8)
                append(octet >> 4 | 0x30)
                let low = octet & 15
                append(low < 10 ? 0x30 + low : 0x57 + low)
            default: append(octet)
            }
        }
        append(0x22)
    }
}
