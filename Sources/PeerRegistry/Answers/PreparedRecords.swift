// The compact forms of records that were asked for lately: rebuilding one costs more than sending it.

import PeerIdentity
import Synchronization

/// A bounded table from packed contents to compact records.
///
/// Two halves: when the younger is full it becomes the older, and what stood there is forgotten; what is found in the
/// older moves to the younger. So what is in use stays.
final class PreparedRecords: Sendable {
    private struct Prepared {
        let content: PackedContent
        let compact: [UInt8]
    }

    private struct State {
        var younger: [UInt64: Prepared] = [:]
        var older: [UInt64: Prepared] = [:]
    }

    private let state = Mutex(State())
    private let halfMax: Int

    /// An empty table for at most so many.
    init(recordsMax: Int) {
        halfMax = max(1, recordsMax / 2)
    }

    /// The compact record of a signed content; nil if there is none.
    func compact(of content: PackedContent) -> [UInt8]? {
        guard content.isSigned else { return nil }
        let key = content.octets[content.signature].prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let known: Prepared? = state.withLock { state in
            if let prepared = state.younger[key] { return prepared }
            guard let prepared = state.older[key] else { return nil }
            keep(prepared, for: key, in: &state)
            return prepared
        }
        // Two records may begin their signatures alike if somebody takes the pains.
        if let known, known.content == content { return known.compact }
        guard case .signed(let signed)? = content.content else { return nil }
        let compact = signed.compact
        state.withLock { keep(Prepared(content: content, compact: compact), for: key, in: &$0) }
        return compact
    }

    private func keep(_ prepared: Prepared, for key: UInt64, in state: inout State) {
        if state.younger.count >= halfMax {
            state.older = state.younger
            state.younger = [:]
        }
        state.younger[key] = prepared
    }
}
