// Which responses the search for orphaned files must leave alone, because this process has to do with them.

import HTTPCache

/// The state of the search for orphaned files: pure; the owner holds a lock.
///
/// A file is an orphan if it is older than this process's use of the store and its response is not in the index. What this
/// process creates or removes until the search has ended is therefore remembered:
///
///     search                          writer
///     lists a file
///                                     opens it, creating      (remembered: spared)
///     asks the index: not there
///                                     commits its extents
///     would delete it: spared
struct OrphanGuard: Sendable {
    private enum Phase: Sendable { case remembering(Set<ResponseID>), ended }

    /// How many responses are remembered at most; with more, nothing is deleted any more until the next start.
    private let responsesMax: Int
    private var phase = Phase.remembering([])

    init(responsesMax: Int) {
        self.responsesMax = responsesMax
    }

    /// Whether files may still be deleted.
    var isSearching: Bool {
        if case .remembering = phase { true } else { false }
    }

    /// Notes that this process has to do with files of `response`.
    mutating func spare(_ response: ResponseID) {
        guard case .remembering(var responses) = phase else { return }
        phase = .ended
        responses.insert(response)
        if responses.count <= responsesMax { phase = .remembering(responses) }
    }

    /// Whether the files of `response`, which is not in the index, may be deleted now.
    func mayDelete(_ response: ResponseID) -> Bool {
        guard case .remembering(let responses) = phase else { return false }
        return !responses.contains(response)
    }

    /// Notes that the search has ended; nothing need be remembered any more.
    mutating func end() {
        phase = .ended
    }
}
