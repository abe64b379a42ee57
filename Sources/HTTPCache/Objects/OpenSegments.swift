// How many segment files stay open between two uses, in the whole process: descriptors are the process's.

import HTTP
import Synchronization

/// The segment files that responses keep open, the oldest closed for each one more than there may be.
///
/// A file that is being sent stays open for as long as that takes. Where those alone are as many as may be, files are opened for
/// one reading or writing and closed again.
enum OpenSegments {
    private struct Slot: Sendable {
        weak var response: StoredResponse?
        var segment: Int
    }

    private struct State {
        var slots: [Slot] = []
        var hand = 0
    }

    private static let state = Mutex(State())

    /// How many files may be open, those included that are only being sent.
    static var filesMax: Int { DescriptorShares.process.files }

    /// Whether more files are open than may be: octets are read then, instead of having their file sent.
    static var isOverShare: Bool { OpenFile.openCount > filesMax }

    /// Slots that are looked at to make room for one file.
    private static let looksMax = 64

    /// Whether another file may be opened and kept; files that are kept are closed for it.
    static func makeRoom() -> Bool {
        for _ in 0..<looksMax where OpenFile.openCount >= filesMax {
            let oldest = state.withLock { state -> Slot? in
                guard !state.slots.isEmpty else { return nil }
                let index = state.hand % state.slots.count
                state.hand = index + 1
                defer { state.slots[index].response = nil }
                return state.slots[index]
            }
            guard let oldest else { break }
            oldest.response?.closeFile(segment: oldest.segment)
        }
        return OpenFile.openCount < filesMax
    }

    /// Notes that `response` keeps the file of `segment` open from now on.
    static func note(_ response: StoredResponse, _ segment: Int) {
        let new = Slot(response: response, segment: segment)
        let oldest = state.withLock { state -> Slot? in
            guard state.slots.count >= filesMax else {
                state.slots.append(new)
                return nil
            }
            defer {
                state.slots[state.hand % filesMax] = new
                state.hand = state.hand % filesMax + 1
            }
            return state.slots[state.hand % filesMax]
        }
        guard let oldest, let response = oldest.response else { return }
        response.closeFile(segment: oldest.segment)
    }
}
