// The client: asks an origin and streams what it answers.

package import HTTP
import Synchronization

/// A responder that sends each request to the authority it names, by libcurl on a thread of its own.
///
/// ``run()`` must be running for ``respond(to:)`` to get anywhere. The response's fields are as the origin sent them but
/// for Content-Length and Transfer-Encoding; hop-by-hop fields are the caller's to remove. Redirects are not followed,
/// cookies not kept, and of the environment (`http_proxy`, `.netrc`) nothing is read.
package final class CurlClient: Responder {
    /// The client's thread, for tasks that mostly wait for its answers; runs none before ``run()``.
    package let executor: CurlLoopExecutor
    private let configuration: HTTPClientConfiguration
    private let mailbox: LoopMailbox
    private let uploads: AsyncStream<Upload>
    private let uploadContinuation: AsyncStream<Upload>.Continuation
    private let hasRun = Mutex(false)

    package init(configuration: HTTPClientConfiguration = HTTPClientConfiguration()) {
        self.configuration = configuration
        mailbox = LoopMailbox(openMax: configuration.transfersMax + configuration.transfersWaitingMax)
        executor = CurlLoopExecutor(mailbox: mailbox)
        // As many as there are exchanges at most.
        (uploads, uploadContinuation) = AsyncStream.makeStream()
    }

    /// Runs the loop until the task is cancelled or ``shutdown()`` is called; once per client.
    ///
    /// Exchanges that are then under way fail as ``HTTPClientError/Code/shutDown``. Returns when the thread has ended.
    /// Throws if there is no thread or descriptor to be had, or if it ran before.
    package func run() async throws(HTTPClientError) {
        let isFirst = hasRun.withLock { hasRun in
            defer { hasRun = true }
            return !hasRun
        }
        guard isFirst else { throw HTTPClientError(.other, "the client runs or ran already") }
        let thread = LoopThread { [configuration, executor, uploadContinuation] in
            let loop = CurlLoop(configuration, executor) { uploadContinuation.yield($0) }
            loop?.run()
            executor.close()
            uploadContinuation.finish()
            return loop != nil
        }
        let ranWell = await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for await upload in uploads {
                    group.addTask { await upload.pump() }
                }
            }
            return await thread.end()
        } onCancel: {
            mailbox.post(.stop)
        }
        guard ranWell else { throw HTTPClientError(.other, "no thread, memory or descriptors for the client") }
    }

    /// Ends ``run()``, from any thread.
    package func shutdown() {
        mailbox.post(.stop)
    }

    /// Sends `request` and returns once the final response's head is there, its body perhaps still on its way.
    ///
    /// `request.onInterim` is called on the loop's thread and must not block. An idempotent request without a body is
    /// sent a second time, on a new connection, if the connection used again turns out to have been closed. Cancelling
    /// the task aborts the exchange, as does cancelling or dropping the body.
    package func respond(to request: Request) async throws(HTTPClientError) -> Response {
        let exchange: Exchange
        do throws(HTTPClientError) {
            let prepared = try PreparedRequest(request, configuration)
            exchange = Exchange(request, prepared, configuration, mailbox: mailbox)
            try mailbox.start(exchange)
        } catch {
            request.body.cancel()
            throw error
        }
        if exchange.upload == nil { request.body.cancel() }
        let answer = try await exchange.head().get()
        return Response(
            status: answer.head.status,
            fields: answer.head.fields,
            body: Self.body(of: answer, to: request.method, exchange)
        )
    }

    private static func body(of answer: ExchangeHead, to method: Method, _ exchange: Exchange) -> Body {
        let head = answer.head
        if head.isBodiless(for: method) {
            return head.status == 204 ? .empty : Body(length: head.declaredLength, content: .none)
        }
        if let whole = answer.whole { return Body(whole) }
        let source = CurlBody(exchange, head.delimiter)
        return Body(length: head.declaredLength, content: .stream(source))
    }
}
