// A request's body on its way from the event loop to the responder that pulls it.

package import HTTP
import Synchronization

/// The body of a request as its octets arrive: pushed by the engine, pulled by the responder's task.
///
/// Bounded by backpressure: while ``isFull`` the engine does not ask for reads. All state is in a mutex; continuations
/// and the demand handler are called outside of it.
package final class RequestBody: BodySource {
    /// What the reader of a body tells the connection.
    package enum Demand: Sendable, Equatable {
        /// It waits for octets, or has made room for some.
        case wanted
        /// It wants no more.
        case abandoned
    }

    private enum Ending {
        case whole
        case failed(BodyError)
    }

    private struct State {
        var chunks: [ArraySlice<UInt8>] = []
        var first = 0
        var buffered = 0
        var ending: Ending?
        var reader: CheckedContinuation<BodyChunk?, any Error>?
        var wasPulled = false
        var wasFull = false
        var onDemand: (@Sendable (Demand) -> Void)?

        mutating func pop() -> ArraySlice<UInt8>? {
            guard first < chunks.count else { return nil }
            let chunk = chunks[first]
            chunks[first] = []
            first += 1
            if first == chunks.count {
                chunks.removeAll(keepingCapacity: true)
                first = 0
            }
            buffered -= chunk.count
            return chunk
        }
    }

    private let state = Mutex(State())
    private let bufferBytes: Int

    /// An empty body that is full at `bufferBytes` octets.
    init(bufferBytes: Int) {
        self.bufferBytes = bufferBytes
    }

    // MARK: The connection's side

    /// Sets what is called, on any thread, when the reader wants octets or gives up; to be set before there is a reader.
    package func setOnDemand(_ handler: @escaping @Sendable (Demand) -> Void) {
        state.withLock { $0.onDemand = handler }
    }

    /// Whether reading should rest until the reader has taken something.
    var isFull: Bool {
        state.withLock { state in
            let full = state.ending == nil && state.buffered >= bufferBytes
            if full { state.wasFull = true }
            return full
        }
    }

    /// Octets that came and that the reader has not taken.
    var bufferedBytes: Int { state.withLock { $0.buffered } }

    /// Hands octets on; dropped if the body has ended or was abandoned.
    func push(_ bytes: ArraySlice<UInt8>) {
        let reader = state.withLock { state -> CheckedContinuation<BodyChunk?, any Error>? in
            guard state.ending == nil else { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.chunks.append(bytes)
            state.buffered += bytes.count
            return nil
        }
        reader?.resume(returning: .bytes(bytes))
    }

    /// The body has come whole.
    func finish() {
        end(.whole)
    }

    /// The body ends before its end.
    func fail(_ error: BodyError) {
        end(.failed(error))
    }

    private func end(_ ending: Ending) {
        let reader = state.withLock { state -> CheckedContinuation<BodyChunk?, any Error>? in
            guard state.ending == nil else { return nil }
            state.ending = ending
            if case .failed = ending {
                state.chunks = []
                state.first = 0
                state.buffered = 0
            }
            state.onDemand = nil
            defer { state.reader = nil }
            return state.reader
        }
        switch ending {
        case .whole: reader?.resume(returning: nil)
        case .failed(let error): reader?.resume(throwing: error)
        }
    }

    // MARK: The reader's side

    /// The next octets; throws ``BodyError/truncated`` if the client did not send the whole body.
    package func next() async throws -> BodyChunk? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                read(continuation)
            }
        } onCancel: {
            cancel()
        }
    }

    private enum Outcome {
        case chunk(BodyChunk?)
        case failure(BodyError)
        case waits
    }

    private func read(_ continuation: CheckedContinuation<BodyChunk?, any Error>) {
        let (outcome, demand) = state.withLock { state -> (Outcome, (@Sendable (Demand) -> Void)?) in
            if let chunk = state.pop() {
                let makesRoom = state.wasFull && state.buffered < bufferBytes
                if makesRoom { state.wasFull = false }
                return (.chunk(.bytes(chunk)), makesRoom ? state.onDemand : nil)
            }
            switch state.ending {
            case .whole: return (.chunk(nil), nil)
            case .failed(let error): return (.failure(error), nil)
            case nil:
                guard state.reader == nil else { return (.failure(.cancelled), nil) }
                state.reader = continuation
                // The first pull is what a client that expects 100 (Continue) waits for.
                defer { state.wasPulled = true }
                return (.waits, state.wasPulled ? nil : state.onDemand)
            }
        }
        switch outcome {
        case .chunk(let chunk): continuation.resume(returning: chunk)
        case .failure(let error): continuation.resume(throwing: error)
        case .waits: break
        }
        demand?(.wanted)
    }

    /// The reader wants no more; what still comes is drained or ends the connection.
    package func cancel() {
        let demand = state.withLock { state in state.ending == nil ? state.onDemand : nil }
        end(.failed(.cancelled))
        demand?(.abandoned)
    }
}
