// The owner of the multi handle: one thread that waits in epoll and drives every transfer; no other file sees the handle.

import CCurl
import HTTP

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The loop; made, run and dropped on its own thread.
final class CurlLoop {
    let configuration: HTTPClientConfiguration
    /// Transfers to which something happened in this round.
    var touched: [CurlTransfer] = []

    private(set) var idleSockets = IdleSockets()
    let sentSockets = SentSockets()
    private let mailbox: LoopMailbox
    private let executor: CurlLoopExecutor
    private let startUpload: (Upload) -> Void
    private let multi: UnsafeMutableRawPointer
    private let epoll: Int32
    private var transfers: [Int: CurlTransfer] = [:]
    /// By descriptor, the exchange that libcurl last watched it for.
    private var watched: [Int32: Int] = [:]
    /// Exchanges that wait for their turn, in order, from `waitingStart` on.
    private var waiting: [Exchange] = []
    private var waitingStart = 0
    /// TLS sessions whose peer said close_notify; an address may be used again and is removed when it is.
    private var closedSessions: Set<UnsafeRawPointer> = []
    /// Handles to be used again.
    private var idleHandles: [UnsafeMutableRawPointer] = []
    /// When libcurl wants to be called, in CLOCK_MONOTONIC nanoseconds.
    private var timer: UInt64?
    /// When the deadlines are to be looked at again: not after the earliest of them.
    private var nextSweep: UInt64?
    private var now: UInt64 = 0
    private var isStopping = false

    /// Sockets that libcurl does not want watched for now, mostly those of kept connections, which epoll still knows: taking
    /// them out for each request and putting them back would be three system calls.
    private var restingSockets: Set<Int32> = []

    /// Handles kept for later transfers; each may hold a receive buffer, of which the touched pages count.
    ///
    /// As many as there are transfers under load, since a new handle costs more than all else about a small transfer.
    private static let idleHandlesMax = 128
    private static let workRoundsMax = 4
    private static let queueBytesMin = 64 << 10
    private static let isGlobalReady = ccurl_global_init() == CURLE_OK

    /// Nil if the system has no descriptors or memory left.
    init?(
        _ configuration: HTTPClientConfiguration,
        _ executor: CurlLoopExecutor,
        startUpload: @escaping (Upload) -> Void
    ) {
        let mailbox = executor.mailbox
        guard Self.isGlobalReady, let multi = curl_multi_init() else { return nil }
        self.configuration = configuration
        self.mailbox = mailbox
        self.executor = executor
        self.startUpload = startUpload
        self.multi = multi
        epoll = ccurl_epoll_create()
        guard epoll >= 0, ccurl_epoll_watch(epoll, mailbox.wakeDescriptor, true, false) == 0 else { return nil }
        ccurl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.connectionsPerHostMax)
        if let most = configuration.connectionsMax {
            ccurl_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most)
        }
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.connectionsKeptMax)
        ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        let context = Unmanaged.passUnretained(self).toOpaque()
        let onSocket: curl_socket_callback = { easy, descriptor, what, context, _ in
            guard let context else { return 0 }
            Unmanaged<CurlLoop>.fromOpaque(context).takeUnretainedValue().watch(descriptor, what, for: easy)
            return 0
        }
        let onTimer: curl_multi_timer_callback = { _, milliseconds, context in
            guard let context else { return 0 }
            Unmanaged<CurlLoop>.fromOpaque(context).takeUnretainedValue().setTimer(milliseconds)
            return 0
        }
        ccurl_multi_set_socket_callback(multi, onSocket, context)
        ccurl_multi_set_timer_callback(multi, onTimer, context)
    }

    deinit {
        for easy in idleHandles { curl_easy_cleanup(easy) }
        curl_multi_cleanup(multi)
        close(epoll)
    }

    /// Whether `session` ended as TLS wants it.
    func hasSaidClose(_ session: UnsafeRawPointer?) -> Bool {
        session.map { closedSessions.contains($0) } ?? false
    }

    /// Runs until it is told to stop; then every exchange fails as shut down.
    func run() {
        var ready = [ccurl_ready](repeating: ccurl_ready(), count: 64)
        watchSessions()
        while !isStopping {
            let mayWait = mailbox.mayWait()
            let count = ccurl_epoll_wait(epoll, &ready, Int32(ready.count), mayWait ? waitMilliseconds() : 0)
            if mayWait { mailbox.noteWake() }
            now = ccurl_monotonic_nanoseconds()
            for event in ready[..<Int(count)] {
                if event.descriptor == mailbox.wakeDescriptor {
                    ccurl_eventfd_drain(mailbox.wakeDescriptor)
                } else if restingSockets.remove(event.descriptor) != nil {
                    // Mostly its end: what libcurl will make of it is seen when it is used again.
                    ccurl_epoll_watch(epoll, event.descriptor, false, false)
                } else {
                    let mask =
                        (event.readable ? CURL_CSELECT_IN : 0) | (event.writable ? CURL_CSELECT_OUT : 0)
                        | (event.failed ? CURL_CSELECT_ERR : 0)
                    if event.readable { refuseGarbage(on: event.descriptor) }
                    act(on: event.descriptor, mask)
                }
            }
            // First what came is handed over, so that the tasks that waited for it run in this round.
            finishDone()
            flushTouched()
            work()
            startWaiting()
            if let timer, timer <= now {
                self.timer = nil
                act(on: CURL_SOCKET_TIMEOUT, 0)
            }
            finishDone()
            flushTouched()
            sweepDeadlines()
            startWaiting()
        }
        stop()
    }

    // MARK: Commands

    /// Runs the jobs that are there and performs the commands, those too that the jobs gave; a few rounds of it, so that
    /// sockets get their turn.
    private func work() {
        for _ in 0..<Self.workRoundsMax {
            let (commands, jobs) = mailbox.take()
            guard !commands.isEmpty || !jobs.isEmpty else { return }
            perform(commands)
            WakeRound.run {
                for job in jobs { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
            }
        }
    }

    private func perform(_ commands: [LoopCommand]) {
        for command in commands {
            switch command {
            case .start(let exchange): waiting.append(exchange)
            case .resumeReceiving(let id): transfers[id]?.resumeReceiving()
            case .resumeSending(let id): transfers[id]?.resumeSending()
            case .cancel(let id):
                if let transfer = transfers[id] {
                    finish(transfer, cancelled(transfer.exchange))
                } else if let index = waiting[waitingStart...].firstIndex(where: { $0.id == id }) {
                    let exchange = waiting.remove(at: index)
                    fail(exchange, cancelled(exchange))
                }
            case .stop: isStopping = true
            }
        }
    }

    private func startWaiting() {
        while waitingStart < waiting.count, transfers.count < configuration.transfersMax, !isStopping {
            let exchange = waiting[waitingStart]
            waitingStart += 1
            start(exchange)
        }
        if waitingStart == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            waitingStart = 0
        } else if waitingStart > 1024 {
            waiting.removeFirst(waitingStart)
            waitingStart = 0
        }
    }

    private func start(_ exchange: Exchange) {
        guard let easy = idleHandles.popLast() ?? newHandle() else {
            fail(exchange, HTTPClientError(.other, "\(exchange.request.summary): no memory for a transfer"))
            return
        }
        let transfer = CurlTransfer(exchange, easy: easy, loop: self)
        transfers[exchange.id] = transfer
        if let upload = exchange.upload, upload.needsPump { startUpload(upload) }
        let code = curl_multi_add_handle(multi, easy)
        guard code == CURLM_OK else {
            finish(transfer, HTTPClientError(.other, "\(exchange.request.summary): the transfer was not taken"))
            return
        }
    }

    /// What one of those under way may hold for its reader.
    var queueBytesShare: Int {
        max(Self.queueBytesMin, configuration.queueBytesTotal / max(1, transfers.count))
    }

    private func newHandle() -> UnsafeMutableRawPointer? {
        guard let easy = curl_easy_init() else { return nil }
        CurlTransfer.prepare(easy, configuration)
        return easy
    }

    // MARK: libcurl

    private func watch(_ descriptor: Int32, _ what: Int32, for easy: UnsafeMutableRawPointer?) {
        if what == CURL_POLL_REMOVE, let id = watched[descriptor] { transfers[id]?.noteUnwatched() }
        let context = what == CURL_POLL_REMOVE ? nil : easy.flatMap { ccurl_get_private($0) }
        watched[descriptor] = context.map { CurlTransfer.at($0).exchange.id }
        let readable = what == CURL_POLL_IN || what == CURL_POLL_INOUT
        let writable = what == CURL_POLL_OUT || what == CURL_POLL_INOUT
        guard readable || writable else {
            restingSockets.insert(descriptor)
            return
        }
        restingSockets.remove(descriptor)
        ccurl_epoll_watch(epoll, descriptor, readable, writable)
    }

    /// Ends a transfer whose answer does not begin as one: at NUL, libcurl 7.88 would wait for more of a line.
    private func refuseGarbage(on descriptor: Int32) {
        guard let id = watched[descriptor], let transfer = transfers[id], transfer.takesFirstLook() else { return }
        guard !IdleSockets.mayBeginAnswer(descriptor) else { return }
        finish(
            transfer,
            HTTPClientError(.invalidResponse, "\(transfer.exchange.request.summary): no status line of HTTP")
        )
    }

    /// Has OpenSSL tell this thread which sessions end well.
    private func watchSessions() {
        let onSession: ccurl_session_callback = { session, isClosed, context in
            guard let session, let context else { return }
            Unmanaged<CurlLoop>.fromOpaque(context).takeUnretainedValue().noteSession(session, isClosed: isClosed)
        }
        ccurl_watch_sessions(onSession, Unmanaged.passUnretained(self).toOpaque())
    }

    private func noteSession(_ session: UnsafeRawPointer, isClosed: Bool) {
        guard isClosed else {
            closedSessions.remove(session)
            return
        }
        // Connections closed while idle are never asked for; forgetting too much only fails a body.
        if closedSessions.count >= 4096 { closedSessions.removeAll() }
        closedSessions.insert(session)
    }

    private func setTimer(_ milliseconds: Int) {
        timer = milliseconds < 0 ? nil : ccurl_monotonic_nanoseconds() + UInt64(milliseconds) * 1_000_000
        // Called back within this round, when now was taken before: 0 means at once.
        if milliseconds == 0 { timer = now }
    }

    private func act(on descriptor: Int32, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(multi, descriptor, mask, &running)
    }

    private func finishDone() {
        var easy: UnsafeMutableRawPointer?
        var code = CURLE_OK
        while ccurl_multi_next_done(multi, &easy, &code) {
            guard let easy, let context = ccurl_get_private(easy) else { continue }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
            if transfer.isRestarting {
                curl_multi_remove_handle(multi, easy)
                transfer.restart()
                if curl_multi_add_handle(multi, easy) == CURLM_OK { continue }
            }
            if let (connection, socket) = transfer.keptConnection {
                if transfer.hasExcess(on: socket) {
                    idleSockets.spoil(connection, socket: socket)
                } else {
                    idleSockets.keep(connection, socket: socket)
                }
            }
            finish(transfer, transfer.error(code))
        }
    }

    // MARK: Ends

    /// Takes the handle back, then tells the exchange, so that its connection is free for whatever comes next.
    private func finish(_ transfer: CurlTransfer, _ error: HTTPClientError?) {
        curl_multi_remove_handle(multi, transfer.easy)
        let isPlain = transfer.exchange.upload == nil
        if isPlain, idleHandles.count < Self.idleHandlesMax {
            transfer.release()
            idleHandles.append(transfer.easy)
        } else {
            curl_easy_cleanup(transfer.easy)
        }
        transfers[transfer.exchange.id] = nil
        mailbox.closeExchange()
        transfer.finish(error)
    }

    /// Ends an exchange that never became a transfer.
    private func fail(_ exchange: Exchange, _ error: HTTPClientError) {
        mailbox.closeExchange()
        exchange.upload?.close()
        _ = exchange.deliver(end: .failed(error))
    }

    private func cancelled(_ exchange: Exchange) -> HTTPClientError {
        HTTPClientError(.cancelled, "\(exchange.request.summary): given up")
    }

    private func stop() {
        let error = HTTPClientError(.shutDown, "the client was shut down")
        for transfer in Array(transfers.values) { finish(transfer, error) }
        for exchange in waiting[waitingStart...] { fail(exchange, error) }
        // What was posted before the mailbox closed.
        for command in mailbox.take().commands {
            if case .start(let exchange) = command { fail(exchange, error) }
        }
        touched = []
        ccurl_watch_sessions(nil, nil)
    }

    // MARK: Times

    private func flushTouched() {
        while !touched.isEmpty {
            let round = touched
            touched.removeAll(keepingCapacity: true)
            for transfer in round {
                transfer.isTouched = false
                guard transfers[transfer.exchange.id] === transfer else { continue }
                transfer.flush()
                updateDeadline(transfer)
            }
        }
    }

    /// A transfer that waits for its own reader or its own request body has no deadline.
    private func updateDeadline(_ transfer: CurlTransfer) {
        guard !transfer.isReceivePaused, !(transfer.isSendPaused && transfer.phase == .awaitingHead) else {
            transfer.deadline = nil
            return
        }
        guard transfer.restartsDeadline else { return }
        transfer.restartsDeadline = false
        let timeout: Duration
        switch transfer.phase {
        case .connecting: return
        case .awaitingHead: timeout = configuration.firstByteTimeout
        case .receiving: timeout = configuration.idleTimeout
        }
        let deadline = now + timeout.nanoseconds
        transfer.deadline = deadline
        if deadline < nextSweep ?? .max { nextSweep = deadline }
    }

    /// Ends the transfers whose deadline has passed; looks at all of them, but only when one may be due.
    private func sweepDeadlines() {
        guard let due = nextSweep, due <= now else { return }
        var earliest = UInt64.max
        for transfer in Array(transfers.values) {
            guard let deadline = transfer.deadline else { continue }
            if deadline <= now {
                finish(transfer, transfer.timeoutError())
            } else {
                earliest = min(earliest, deadline)
            }
        }
        // Not more often than every 10 ms.
        nextSweep = earliest == .max ? nil : max(earliest, now + 10_000_000)
    }

    private func waitMilliseconds() -> Int32 {
        let due = min(timer ?? .max, nextSweep ?? .max)
        guard due != .max else { return -1 }
        let current = ccurl_monotonic_nanoseconds()
        guard due > current else { return 0 }
        return Int32(clamping: (due - current + 999_999) / 1_000_000)
    }
}
