// The way of one request's task back to its connection on the event loop.

import HTTP
import Logging
import NIOCore

/// What a request's task holds of its connection: answers go over it, one at a time, in order.
struct ResponseLink: Sendable {
    let number: RequestNumber
    let connection: NIOLoopBound<Connection>
    let logger: Logger

    /// Asks the responder and hands the connection what it answers, chunk by chunk as the client takes them.
    func answer(_ request: Request, with responder: any Responder) async {
        let response: Response
        do {
            response = try await responder.respond(to: request)
        } catch {
            response = self.response(to: error)
        }
        guard case .stream(let source) = response.body.content else {
            onLoop { $0.respond(number, with: response) }
            return
        }
        guard await pulled(after: { $0.respond(number, withStreamOf: response, waiter: $1) }) else { return }
        do {
            while let chunk = try await source.next() {
                guard await pulled(after: { $0.send(number, chunk, waiter: $1) }) else { return }
            }
            onLoop { $0.endStream(number, isWhole: true) }
        } catch {
            logger.debug(
                "A response broke off",
                metadata: ["error.type": "\(type(of: error))", "error.message": "\(error)"]
            )
            onLoop { $0.endStream(number, isWhole: false) }
        }
    }

    private func onLoop(_ operation: @escaping @Sendable (Connection) -> Void) {
        connection.eventLoop.execute { operation(connection.value) }
    }

    /// Hands something on and waits until the next is wanted; false: nobody wants more.
    private func pulled(
        after operation: @escaping @Sendable (Connection, CheckedContinuation<Bool, Never>) -> Void
    ) async -> Bool {
        await withCheckedContinuation { continuation in
            connection.eventLoop.execute { operation(connection.value, continuation) }
        }
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
