// The fills that are under way, for whoever asks where something is that is late.

package import HTTP
import Synchronization

/// One fill as it stands at a moment.
package struct FillUnderWay: Sendable {
    /// The URL that is asked for.
    package let key: [UInt8]
    /// The first octet that it was to bring.
    package let first: Int64
    /// The next octet that it will bring.
    package let next: Int64
    /// Where it ends; nil: where the origin ends.
    package let end: Int64?
    package let startedAt: Timestamp
    /// When the origin last sent something; nil: it has sent nothing yet.
    package let lastOctetsAt: Timestamp?
    /// Who reads what it brings, and how many of them wait for it now.
    package let readers: Int
    package let readersWaiting: Int
}

/// Knows the fills of one cache from the question to the last octet.
final class FillRegister: Sendable {
    private struct Entry {
        let response: StoredResponse
        let fill: FillID
        let first: Int64
        let startedAt: Timestamp
        var lastOctetsAt: Timestamp?
    }

    private let entries = Mutex<[ObjectIdentifier: [FillID: Entry]]>([:])

    /// A fill of `response` begins at that octet; asking once more changes nothing.
    func begin(_ fill: FillID, of response: StoredResponse, first: Int64, at time: Timestamp) {
        entries.withLock { entries in
            guard entries[ObjectIdentifier(response)]?[fill] == nil else { return }
            let entry = Entry(response: response, fill: fill, first: first, startedAt: time, lastOctetsAt: nil)
            entries[ObjectIdentifier(response), default: [:]][fill] = entry
        }
    }

    /// The origin has sent octets for it.
    func note(_ fill: FillID, of response: StoredResponse, at time: Timestamp) {
        entries.withLock { $0[ObjectIdentifier(response)]?[fill]?.lastOctetsAt = time }
    }

    /// When octets last came for it, or it began; nil if it is not under way.
    func lastMove(of fill: FillID, of response: StoredResponse) -> Timestamp? {
        entries.withLock { $0[ObjectIdentifier(response)]?[fill].map { $0.lastOctetsAt ?? $0.startedAt } }
    }

    func end(_ fill: FillID, of response: StoredResponse) {
        entries.withLock { entries in
            entries[ObjectIdentifier(response)]?[fill] = nil
            if entries[ObjectIdentifier(response)]?.isEmpty == true { entries[ObjectIdentifier(response)] = nil }
        }
    }

    /// What is being filled, each once.
    var responses: [StoredResponse] {
        entries.withLock { $0.values.compactMap { $0.values.first?.response } }
    }

    /// All, the oldest first.
    var underWay: [FillUnderWay] {
        let all = entries.withLock { $0.values.flatMap(\.values) }
        return all.sorted { $0.startedAt < $1.startedAt }.map { entry in
            let progress = entry.response.withBody { $0.progress(of: entry.fill) }
            return FillUnderWay(
                key: entry.response.key.bytes,
                first: entry.first,
                next: progress?.next ?? entry.first,
                end: progress?.end,
                startedAt: entry.startedAt,
                lastOctetsAt: entry.lastOctetsAt,
                readers: progress?.readers ?? 0,
                readersWaiting: progress?.waiting ?? 0
            )
        }
    }
}
