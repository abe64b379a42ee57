// A hit made ready: all octets of the answer but the few that differ from hit to hit.

import HTTP
import Synchronization

/// What GET without conditions or ranges is answered with, of a key that has one response whose body is in memory.
///
/// Made of a ``StoredResponse`` at its first hit, and good for as long as that has not changed. Laid out for the
/// memory: a hit reads this object, the octets of key and head, and those of the body.
package final class PreparedHit: Sendable {
    private let freshness: Freshness
    private let version: UInt32
    private let isDated: Bool
    private let keyCount: Int
    /// The key, and behind it status line and field lines up to `Age: `.
    private let octets: [UInt8]
    private let body: [UInt8]
    let stored: StoredResponse

    /// What `stored` is answered with while its head is `snapshot` and its state that of `version`.
    ///
    /// - Parameters:
    ///   - stored: The only response of its key, whatever is asked.
    ///   - snapshot: Its head.
    ///   - version: Its ``StoredResponse/version``, read before the head.
    ///   - head: Status line and field lines up to `Age: `.
    ///   - body: All of its octets.
    init(_ stored: StoredResponse, _ snapshot: HeadSnapshot, version: UInt32, head: [UInt8], body: [UInt8]) {
        self.stored = stored
        self.version = version
        self.body = body
        isDated = snapshot.isDated
        freshness = snapshot.freshness
        keyCount = stored.key.bytes.count
        octets = stored.key.bytes + head
    }

    /// Writes the answer if it is one to the key `prefix` followed by `rest` and may be used without asking anybody: the stored
    /// response is what it was when this was made, and fresh (RFC 9111 section 4.2).
    ///
    /// - Parameters:
    ///   - prefix: The first octets of the key that is asked for.
    ///   - rest: The others.
    ///   - response: Added to if the answer is true.
    ///   - marks: What goes between age and the seconds of freshness that are left.
    ///   - now: The time.
    /// - Returns: Whether that was the answer.
    @inline(never)
    func answers(
        _ prefix: CacheKeyPrefix,
        followedBy rest: Span<UInt8>,
        into response: inout ImmediateResponse,
        marks: [UInt8],
        at now: Timestamp
    ) -> Bool {
        let (octets, start) = (octets, prefix.bytes.count)
        guard stored.version == version, freshness.isFresh(at: now), keyCount == start + rest.count,
            octets.span.extracting(start..<keyCount).equals(rest),
            octets.span.extracting(..<start).equals(prefix.bytes.span)
        else { return false }
        let count = octets.count - keyCount + marks.count + 2 * OutputSpan<UInt8>.decimalDigitsMax + 2
        response.output.append(addingCapacity: count) { output in
            output.append(copying: octets.span.extracting(keyCount...))
            output.append(decimal: freshness.age(at: now))
            output.append(copying: marks.span)
            output.append(decimal: freshness.remaining(at: now))
            output.append(0x0d)
            output.append(0x0a)
        }
        response.isDated = isDated
        if !body.isEmpty { response.body = .bytes(body[...]) }
        return true
    }
}
