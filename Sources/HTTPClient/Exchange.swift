// One request and its response, shared by the task that asked and the loop: the lock and the wake-ups around the machine.

import HTTP
import Synchronization

/// An exchange under way; every method may be called from any thread.
final class Exchange: Sendable {
    typealias Machine = ExchangeStateMachine<
        CheckedContinuation<Result<ExchangeHead, HTTPClientError>, Never>,
        CheckedContinuation<Result<ArraySlice<UInt8>?, HTTPClientError>, Never>
    >

    let id: Int
    let request: PreparedRequest
    /// The request's body, if it has one.
    let upload: Upload?
    let onInterim: (@Sendable (InterimResponse) -> Void)?
    private let mailbox: LoopMailbox
    private let state: Mutex<Machine>

    init(
        _ request: Request,
        _ prepared: PreparedRequest,
        _ configuration: HTTPClientConfiguration,
        mailbox: LoopMailbox
    ) {
        let id = mailbox.nextID()
        self.id = id
        self.request = prepared
        self.mailbox = mailbox
        onInterim = request.onInterim
        if case .upload = prepared.kind {
            upload = Upload(request.body, queueBytesMax: configuration.queueBytesMax) {
                mailbox.post(.resumeSending(id))
            }
        } else {
            upload = nil
        }
        let method = request.method
        state = Mutex(
            Machine(queueBytesMax: configuration.queueBytesMax) { head in
                head.isBodiless(for: method) || head.delimiter == .length || head.delimiter == .lastChunk
            }
        )
    }

    // MARK: The task

    /// The final head, or why there is none; cancelling the task aborts the exchange.
    func head() async -> Result<ExchangeHead, HTTPClientError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let outcome = state.withLock({ $0.awaitHead(continuation) }) {
                    continuation.resume(returning: outcome)
                }
            }
        } onCancel: {
            cancel()
        }
    }

    /// The next octets, or nil at the end; cancelling the task aborts the exchange.
    func next() async throws(HTTPClientError) -> ArraySlice<UInt8>? {
        if let outcome = perform(state.withLock { $0.pull() }) { return try outcome.get() }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let outcome = perform(state.withLock { $0.pull(continuation) }) {
                    continuation.resume(returning: outcome)
                }
            }
        } onCancel: {
            cancel()
        }
        return try outcome.get()
    }

    /// Aborts the exchange; of no effect once it is over.
    func cancel() {
        let error = HTTPClientError(.cancelled, "\(request.summary): given up")
        let actions = state.withLock { $0.cancel(error) }
        actions.head?.resume(returning: .failure(error))
        actions.body?.resume(returning: .failure(error))
        if actions.aborts {
            upload?.close()
            mailbox.post(.cancel(id))
        }
    }

    private func perform(_ pull: Machine.Pull) -> Machine.BodyOutcome? {
        guard case .now(let outcome, let resumes) = pull else { return nil }
        if resumes { mailbox.post(.resumeReceiving(id)) }
        return outcome
    }

    // MARK: The loop

    /// Hands over what a round of the loop brought; returns whether receiving is to pause.
    func deliver(
        head: ResponseHead? = nil,
        octets: [UInt8] = [],
        end: ExchangeEnd? = nil,
        share: Int = .max
    ) -> Bool {
        let actions = state.withLock { $0.deliver(head: head, octets: octets, end: end, share: share) }
        if let (waiter, outcome) = actions.head { waiter.resume(returning: outcome) }
        if let (waiter, outcome) = actions.body { waiter.resume(returning: outcome) }
        return actions.pauses
    }
}

extension ResponseHead {
    /// Whether the response to `method` has no body, whatever its fields say (RFC 9112 section 6.3, item 1).
    func isBodiless(for method: Method) -> Bool {
        method == .head || status == 204 || status == 304
    }

    /// What tells that the body is whole, if the response has one (RFC 9112 section 6.3).
    var delimiter: CurlBody.Delimiter {
        if declaredLength != nil { return .length }
        if majorVersion > 1 { return .endOfStream }
        return coding == .chunked ? .lastChunk : .close
    }
}
