// The stored responses that somebody holds, in the table or not, each once.

import Synchronization

/// A weak register of stored responses by identifier.
///
/// A response that memory pressure has dropped from the table may still be read, validated or filled; whoever loads it again
/// must get the same object, and eviction must find it, or two states of one body would contradict each other.
final class LiveResponses: Sendable {
    private struct Reference {
        weak var response: StoredResponse?
    }

    private struct State {
        var references: [ResponseID: Reference] = [:]
        var sweepAt = 1024
    }

    private let state = Mutex(State())

    /// The object of that identifier, if there is one.
    func find(_ id: ResponseID) -> StoredResponse? {
        state.withLock { $0.references[id]?.response }
    }

    /// Registers `response`, or returns the object that is registered for its identifier already.
    func adopt(_ response: StoredResponse) -> StoredResponse {
        state.withLock { state in
            if let live = state.references[response.id]?.response { return live }
            if state.references.count >= state.sweepAt {
                state.references = state.references.filter { $0.value.response != nil }
                state.sweepAt = max(1024, state.references.count * 2)
            }
            state.references[response.id] = Reference(response: response)
            return response
        }
    }
}
