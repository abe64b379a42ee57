// The way of one request's task back to its connection: events, delivered one at a time, in order.

import HTTP
import Logging

/// What a request's task tells its connection.
enum RequestEvent: Sendable {
    /// The responder answered without a stream: the task is done.
    case answered(Response)
    /// The responder answered with a stream: the task waits until the first chunk is wanted.
    case answeredWithStream(Response, CheckedContinuation<Bool, Never>)
    /// The stream's next chunk; the task waits until another one is wanted.
    case chunk(BodyChunk, CheckedContinuation<Bool, Never>)
    /// The stream has ended, well or not: the task is done.
    case ended(isWhole: Bool)
    /// An interim response came before the final one.
    case interim(InterimResponse)
    /// The reader of the request's body wants octets, or no more of them.
    case bodyDemand(RequestBody.Demand)

    /// Nobody is there to take it: tells a task that waits so.
    func drop() {
        switch self {
        case .answered(let response): response.body.cancel()
        case .answeredWithStream(let response, let waiter):
            response.body.cancel()
            waiter.resume(returning: false)
        case .chunk(_, let waiter): waiter.resume(returning: false)
        case .ended, .interim, .bodyDemand: break
        }
    }
}

/// What a request's task holds of its connection.
struct ResponseLink: Sendable {
    let logger: Logger
    /// Where streams are pulled, which may read from a disk; nil: where the responder is asked.
    let streamExecutor: (any TaskExecutor)?
    /// Hands an event on to the connection's thread; ``RequestEvent/drop()`` if that is over.
    let deliver: @Sendable (RequestEvent) -> Void

    /// Asks the responder and hands the connection what it answers, chunk by chunk as the client takes them.
    func answer(_ request: Request, with responder: any Responder) async {
        let response: Response
        do {
            response = try await responder.respond(to: request)
        } catch {
            response = self.response(to: error)
        }
        guard case .stream(let source) = response.body.content else {
            return deliver(.answered(response))
        }
        await withTaskExecutorPreference(streamExecutor) { await deliver(response, from: source) }
    }

    /// Hands on a response whose body is a stream.
    private func deliver(_ response: Response, from source: any BodySource) async {
        guard await isWanted(after: { .answeredWithStream(response, $0) }) else { return }
        do {
            while let chunk = try await source.next() {
                guard await isWanted(after: { .chunk(chunk, $0) }) else { return }
            }
            deliver(.ended(isWhole: true))
        } catch {
            logger.debug(
                "A response broke off",
                metadata: ["error.type": "\(type(of: error))", "error.message": "\(error)"]
            )
            deliver(.ended(isWhole: false))
        }
    }

    /// Hands something on and waits until the next is wanted; false: nobody wants more.
    private func isWanted(after event: (CheckedContinuation<Bool, Never>) -> RequestEvent) async -> Bool {
        await withCheckedContinuation { deliver(event($0)) }
    }

    private func response(to error: any Error) -> Response {
        if let error = error as? any ResponseError { return error.response }
        if !Task.isCancelled {
            logger.warning(
                "No response could be had",
                metadata: ["error.type": "\(type(of: error))", "error.message": "\(error)"]
            )
        }
        return Response(status: 502, text: "502 Bad Gateway: no response could be had")
    }
}
