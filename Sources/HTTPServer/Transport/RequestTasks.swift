// The tasks of one connection, and the one file that may start a Task: one for each request that the express lane could
// not answer. It holds that task, cancels it when the connection ends, and counts it so that shutdown waits for it.

import HTTP
import Logging

/// The requests of one connection that tasks work on; part of the connection, on its thread only.
struct RequestTasks {
    private struct Running {
        let task: Task<Void, Never>
        /// The task, while it waits until its stream may go on.
        var waiter: CheckedContinuation<Bool, Never>?
    }

    /// What tells the connection from all others, for ``Request/connectionID``.
    private let connectionID = ConnectionNumber.next()
    private var running: [RequestNumber: Running] = [:]

    /// Gives `started` to the responder; what comes of it is delivered as events of that number.
    ///
    /// - Parameters:
    ///   - started: The request, as the engine wants it started.
    ///   - remoteAddress: The client.
    ///   - responder: Who answers.
    ///   - logger: Told of failures.
    ///   - count: Counts the task for as long as it runs.
    ///   - executor: Where the task runs; nil: Swift's own threads.
    ///   - deliver: Called on any thread.
    mutating func start(
        _ started: StartedRequest,
        from remoteAddress: String,
        with responder: any Responder,
        logger: Logger,
        count: ActiveCount,
        on executor: (any TaskExecutor)?,
        deliver: @escaping @Sendable (RequestEvent) -> Void
    ) {
        var request = started.request
        request.remoteAddress = remoteAddress
        request.connectionID = connectionID
        // Nothing older than HTTP/1.1 takes interim responses.
        if !started.takesInterim { request.version = .http10 }
        // RFC 9112 section 3.2.4: the absolute-form of an OPTIONS without a path.
        if request.target.isEmpty { request.target = Array("*".utf8) }
        if started.takesInterim { request.onInterim = { deliver(.interim($0)) } }
        started.body?.setOnDemand { deliver(.bodyDemand($0)) }
        let streamExecutor = executor == nil ? nil : globalConcurrentExecutor
        let link = ResponseLink(logger: logger, streamExecutor: streamExecutor, deliver: deliver)
        count.enter()
        running[started.number] = Running(
            task: Task(executorPreference: executor) { [request] in
                await link.answer(request, with: responder)
                count.leave()
            }
        )
    }

    /// Lets a stream go on: its next chunk can be taken.
    mutating func pull(_ number: RequestNumber) {
        running[number]?.waiter.take()?.resume(returning: true)
    }

    /// Gives a request up.
    mutating func cancel(_ number: RequestNumber) {
        guard let request = running.removeValue(forKey: number) else { return }
        request.task.cancel()
        request.waiter?.resume(returning: false)
    }

    /// Tells the engine what a task has delivered.
    mutating func take(
        _ event: RequestEvent,
        of number: RequestNumber,
        engine: inout ConnectionEngine,
        context: inout EngineContext
    ) {
        switch event {
        case .answered(let response):
            running[number] = nil
            engine.respond(number, with: response, in: &context)
        case .answeredWithStream(let response, let waiter):
            guard running[number] != nil else { return event.drop() }
            running[number]?.waiter = waiter
            engine.respond(number, with: response, in: &context)
        case .chunk(let chunk, let waiter):
            guard running[number] != nil else { return event.drop() }
            running[number]?.waiter = waiter
            engine.send(number, chunk, in: &context)
        case .ended(let isWhole):
            guard running.removeValue(forKey: number) != nil else { return }
            if isWhole {
                engine.endStream(number, in: &context)
            } else {
                engine.failStream(number, in: &context)
            }
        case .interim(let interim): engine.interim(number, interim, in: &context)
        case .bodyDemand(.wanted): engine.requestBodyWanted(number, in: &context)
        case .bodyDemand(.abandoned): engine.requestBodyAbandoned(number, in: &context)
        }
    }
}
