// Entries and events as Redis keeps them.

import HTTP
import PeerIdentity
import PeerRegistry

/// The string of an entry: `revision LF name LF until LF`, of which the scripts make use, then what only we read.
///
/// That is 33 octets (present or not, held since, held until, renewals and when present until; big-endian, 8 each after the
/// first), then the packed content.
enum RedisEntryCoding {
    private static let lineFeed: UInt8 = 0x0a
    private static let headCount = 33

    /// The arguments of one change for ``RedisScript/apply``; nil if a part of the entry is longer than any valid one.
    static func arguments(_ change: PeerChange) -> [[UInt8]]? {
        let name = Array(change.name.utf8)
        let expected = octets(change.expected)
        let kind = change.kind.map { octets(UInt64($0.rawValue)) } ?? []
        guard let entry = change.entry else { return [name, expected, kind, [], [], [], [], []] }
        guard let content = PackedContent(entry.content) else { return nil }
        var rest: [UInt8] = [entry.isPresent ? 1 : 0]
        rest.reserveCapacity(headCount + content.octets.count)
        for time in [entry.presentUntil, entry.heldSince, entry.heldUntil] {
            append(UInt64(bitPattern: time.nanoseconds), to: &rest)
        }
        append(entry.renewals, to: &rest)
        rest += content.octets
        let due = entry.isPresent ? entry.presentUntil : entry.heldUntil
        return [
            name, expected, kind, Array(entry.identifier.text.utf8), Array(String(entry.presentUntil.nanoseconds).utf8),
            [entry.isPresent ? 0x31 : 0x30], score(due), rest,
        ]
    }

    /// The order of a time among due ones: whole microseconds, which a double holds exactly.
    static func score(_ time: Timestamp) -> [UInt8] {
        let (microseconds, rest) = time.nanoseconds.quotientAndRemainder(dividingBy: 1_000)
        return Array(String(rest < 0 ? microseconds - 1 : microseconds).utf8)
    }

    /// The entry of a string; nil if it is damaged.
    static func entry(_ octets: [UInt8]) -> PeerEntry? {
        guard let first = octets.firstIndex(of: lineFeed),
            let second = octets[(first + 1)...].firstIndex(of: lineFeed),
            let third = octets[(second + 1)...].firstIndex(of: lineFeed),
            let revision = RESPValue.number(octets[..<first])
        else { return nil }
        let start = third + 1
        guard octets.count >= start + headCount, octets[start] <= 1,
            let content = PackedContent(stored: Array(octets[(start + headCount)...]))?.content
        else { return nil }
        func number(_ index: Int) -> UInt64 {
            let at = start + 1 + 8 * index
            return octets[at..<at + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        func time(_ index: Int) -> Timestamp { Timestamp(nanoseconds: Int64(bitPattern: number(index))) }
        return PeerEntry(
            content: content,
            presentUntil: time(0),
            isPresent: octets[start] == 1,
            heldSince: time(1),
            heldUntil: time(2),
            renewals: number(3),
            revision: revision
        )
    }

    /// An event of the stream and the revision of the one before it; nil if it is damaged.
    static func event(_ value: RESPValue) -> (event: PeerEvent, previous: UInt64)? {
        guard let parts = value.elements, parts.count == 2, let revision = revision(parts[0]),
            let fields = parts[1].elements
        else { return nil }
        var values: [[UInt8]: [UInt8]] = [:]
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            guard let name = fields[index].octets, let value = fields[index + 1].octets else { return nil }
            values[name] = value
        }
        func text(_ name: Character) -> String? {
            values[Array(String(name).utf8)].flatMap { String(validating: $0, as: UTF8.self) }
        }
        // What is no identifier is damage to the caller, whatever the reason.
        guard let kind = text("k").flatMap({ UInt8($0) }).flatMap(PeerEvent.Kind.init(rawValue:)),
            let previous = text("b").flatMap({ UInt64($0) }), let until = text("u").flatMap({ Int64($0) }),
            let identifier = text("n").flatMap({ try? PeerIdentifier($0) })
        else { return nil }
        let event = PeerEvent(
            revision: revision,
            kind: kind,
            identifier: identifier,
            presentUntil: Timestamp(nanoseconds: until)
        )
        return (event, previous)
    }

    /// The revision in the identifier of an event, such as `17-0`.
    static func revision(_ value: RESPValue) -> UInt64? {
        value.octets.flatMap { RESPValue.number($0.prefix { $0 != UInt8(ascii: "-") }) }
    }

    static func octets(_ number: UInt64) -> [UInt8] { Array(String(number).utf8) }

    private static func append(_ number: UInt64, to octets: inout [UInt8]) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            octets.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
