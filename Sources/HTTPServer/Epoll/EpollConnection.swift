// The owner of one connection over epoll: events of the socket to the engine, what the engine wants to the socket.

#if os(Linux)
import CLinux
import HTTP
import Logging
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Drives one ``ConnectionEngine`` over a socket; confined to its loop's thread.
final class EpollConnection {
    let socket: Int32
    /// The socket and what tells it from others of the same number, as events and messages name it.
    let token: UInt64
    let loop: EpollLoop
    var engine: ConnectionEngine
    /// What the socket has not taken yet.
    var outbox = Outbox()
    /// How the connection ends once ``outbox`` is empty.
    var pendingClose: EngineClose?
    /// Whether the socket may take octets: not since it was full.
    var isWritable = true
    private(set) var isOpen = true

    private var tasks = RequestTasks()
    private var isReadable = false
    /// Whether the client's end has been reported, so that a short read is not the last.
    private var readsToEnd = false
    private var inputEnded = false
    private var resumesLater = false
    private var unsentAtTick: Int32 = 0
    private var remoteAddressText: String?

    /// Full reads in one turn, and answers that each needed the one before to be out.
    private static let readsMax = 4
    private static let roundsMax = 16

    /// A connection of `loop`, not begun.
    init(_ socket: Int32, token: UInt64, loop: EpollLoop) {
        self.socket = socket
        self.token = token
        self.loop = loop
        engine = ConnectionEngine(in: loop.context)
    }

    // MARK: Events

    /// The loop knows the connection from now on; what has come already is answered, before events are asked for.
    func begin(isWithinLimit: Bool) {
        if loop.context.journal.isOn { engine.client = JournalClient(address: remoteAddress()) }
        if !isWithinLimit {
            engine.refuseConnection(.tooManyConnections, in: &loop.context)
            perform()
        } else if loop.isShuttingDown {
            shutDown()
        }
        isReadable = true
        read()
    }

    /// epoll reports `events`: what they mean the system calls will say.
    func handle(_ events: UInt32) {
        if events & clinux_epoll_error != 0 || events & clinux_epoll_hangup != 0 && inputEnded { return lose() }
        if events & clinux_epoll_out != 0 { isWritable = true }
        if events & (clinux_epoll_peer_end | clinux_epoll_hangup) != 0 { readsToEnd = true }
        if events & (clinux_epoll_in | clinux_epoll_peer_end | clinux_epoll_hangup) != 0, !inputEnded {
            isReadable = true
        }
        goOn()
    }

    /// The next turn has come.
    func resume() {
        resumesLater = false
        goOn()
    }

    /// A task tells something about its request.
    func take(_ event: RequestEvent, of number: RequestNumber) {
        tasks.take(event, of: number, engine: &engine, context: &loop.context)
        perform()
        read()
    }

    func tick() {
        if !outbox.isEmpty {
            // The kernel's buffer drains long before it reports that: a slow client is not one that takes nothing.
            let unsent = SocketCall.unsentBytes(socket)
            if unsent != unsentAtTick { engine.noteOutputProgress(in: &loop.context) }
            unsentAtTick = unsent
        }
        engine.tick(in: &loop.context)
        guard loop.context.hasWork() else { return }
        perform()
        read()
    }

    func shutDown() {
        engine.shutDown(in: &loop.context)
        perform()
    }

    /// Resets the connection.
    func abort() {
        engine.abort(in: &loop.context)
        perform()
        // One that was only sending its last octets asks for nothing more.
        guard isOpen else { return }
        end { SocketCall.reset(socket) }
        perform()
    }

    // MARK: Going on

    private func goOn() {
        guard isOpen else { return }
        if !outbox.isEmpty {
            guard isWritable else { return read() }
            flushOutbox()
            perform()
        } else if engine.wantsAcceptance {
            engine.outputAccepted(in: &loop.context)
            perform()
        }
        read()
    }

    /// Reads what is there for as long as the engine wants it.
    private func read() {
        var reads = 0
        while isOpen, isReadable, engine.wantsRead {
            guard reads < EpollConnection.readsMax else { return resumeLater() }
            reads += 1
            switch SocketCall.receive(socket, into: loop.readBuffer) {
            case .moved(let count):
                if count < loop.readBuffer.count, !readsToEnd { isReadable = false }
                engine.receive(UnsafeBufferPointer(rebasing: loop.readBuffer[..<count]).span, in: &loop.context)
                perform()
            case .wouldBlock: isReadable = false
            case .ended:
                isReadable = false
                inputEnded = true
                engine.endInput(in: &loop.context)
                perform()
            case .failed: lose()
            }
        }
    }

    /// Does what the engine's last calls left in the loop's context.
    func perform() {
        var rounds = 0
        repeat {
            transmit()
            while !loop.context.actions.isEmpty {
                let actions = loop.context.actions
                loop.context.actions = []
                for action in actions { perform(action) }
            }
            guard isOpen else { return dropOutput() }
            if !outbox.isEmpty {
                engine.blockOutput(in: &loop.context)
            } else if engine.wantsAcceptance {
                rounds += 1
                guard rounds <= EpollConnection.roundsMax else { return resumeLater() }
                engine.outputAccepted(in: &loop.context)
            }
        } while loop.context.hasWork()
    }

    func resumeLater() {
        guard !resumesLater else { return }
        resumesLater = true
        loop.resumeLater(self)
    }

    private func perform(_ action: EngineAction) {
        switch action {
        case .start(let started): start(started)
        case .pull(let number): tasks.pull(number)
        case .cancel(let number): tasks.cancel(number)
        case .speakHTTP2: engine.speakHTTP2(in: &loop.context)
        case .close(let kind): close(kind)
        }
    }

    private func start(_ started: StartedRequest) {
        tasks.start(
            started,
            from: remoteAddress(),
            with: loop.context.responder,
            logger: loop.parts.logger,
            count: loop.parts.taskCount,
            on: loop.context.configuration.taskExecutor
        ) { [mailbox = loop.parts.mailbox, token, number = started.number] event in
            mailbox.post(.request(token, number, event))
        }
    }

    // MARK: Ending

    /// Ends the connection as the engine wants it, which may be after what is still on its way.
    func close(_ kind: EngineClose) {
        guard isOpen else { return }
        switch kind {
        case .abort: end { SocketCall.reset(socket) }
        case .flush, .linger:
            if !outbox.isEmpty {
                pendingClose = kind
            } else if kind == .linger {
                SocketCall.endSending(socket)
            } else {
                end { SocketCall.close(socket) }
            }
        }
    }

    /// The connection is gone already.
    func lose() {
        guard isOpen else { return }
        end { SocketCall.close(socket) }
        perform()
    }

    /// Ends it for the loop, the socket and the engine; what the engine leaves to do is up to the caller.
    private func end(_ closeSocket: () -> Void) {
        isOpen = false
        outbox.removeAll()
        loop.remove(self)
        closeSocket()
        engine.connectionLost(in: &loop.context)
    }

    private func remoteAddress() -> String {
        if let remoteAddressText { return remoteAddressText }
        let text = SocketAddress(of: socket, asking: getpeername)?.hostAndPort ?? ""
        remoteAddressText = text
        return text
    }
}
#endif
