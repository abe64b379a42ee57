// One connection to Redis, made again whenever it is lost: the only file that touches a socket.

import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Sends commands, many at a time, and gives each its answer.
///
/// Everything beyond the lock happens on one event loop, which also does all that comes after an answer.
final class RedisLink: Sendable {
    private let address: RedisAddress
    private let configuration: RedisConfiguration
    private let jitter: @Sendable () -> Double
    private let loop: any EventLoop
    private let state: Mutex<RedisLinkState>
    /// The connection, if there is one.
    private let channel: NIOLoopBoundBox<(any Channel)?>
    /// Whether a look at the oldest answer's deadline is coming.
    private let isTimed: NIOLoopBoundBox<Bool>

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - address: Where Redis is.
    ///   - configuration: Times and limits.
    ///   - jitter: A random number from 0 to 1, for pauses.
    init(address: RedisAddress, configuration: RedisConfiguration, jitter: @escaping @Sendable () -> Double) {
        (self.address, self.configuration, self.jitter) = (address, configuration, jitter)
        loop = MultiThreadedEventLoopGroup.singleton.next()
        state = Mutex(RedisLinkState(address: address.description, commandsMax: configuration.commandsMax))
        channel = .makeBoxSendingValue(nil, eventLoop: loop)
        isTimed = .makeBoxSendingValue(false, eventLoop: loop)
        loop.execute { self.connect() }
    }

    /// Sends `command` and returns its answer.
    ///
    /// - Throws: ``RedisStoreError``, also when Redis answers with an error.
    func send(_ command: RESPCommand) async throws -> RESPValue {
        try await withCheckedThrowingContinuation { continuation in
            send(command, within: configuration.answerTimeout) { continuation.resume(with: $0) }
        }
    }

    /// The same for callers that are on no task; `completion` runs on the event loop, or here if nothing was sent.
    func send(
        _ command: RESPCommand,
        within bound: Duration,
        completion: @escaping @Sendable (RedisLinkState.Answer) -> Void
    ) {
        let pending = RedisLinkState.Pending(command: command, bound: TimeAmount(bound), completion: completion)
        switch state.withLock({ $0.submit(pending) }) {
        case .refuse(let error): completion(.failure(error))
        case .wake: loop.execute { self.flush() }
        case .nothing: break
        }
    }

    /// Runs `body` on the event loop after a pause.
    func schedule(after pause: Duration, _ body: @escaping @Sendable () -> Void) {
        loop.scheduleTask(in: TimeAmount(pause), body)
    }

    /// Closes the connection, and returns when it is closed; what is under way fails.
    func close() async {
        let notices = state.withLock { $0.close() }
        for notice in notices { notice.give() }
        let closing = loop.flatSubmit {
            guard let channel = self.channel.value else { return self.loop.makeSucceededVoidFuture() }
            channel.close(promise: nil)
            return channel.closeFuture
        }
        // It fails only if the loop is gone, and the connection with it.
        try? await closing.get()
    }

    private func connect() {
        guard state.withLock({ $0.connect() }) else { return }
        ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = RedisChannelHandler(link: self, limits: self.configuration.limits)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: address.host, port: address.port)
            .whenComplete { result in
                switch result {
                case .success(let channel): self.connected(channel)
                case .failure(let error):
                    self.lost(RedisStoreError(.lost, "connecting failed: \(Self.reason(error))"))
                }
            }
    }

    private func connected(_ channel: any Channel) {
        let greeting = address.greeting
        guard channel.isActive else {
            lost(RedisStoreError(.lost, "\(address) closed the connection"))
            return
        }
        guard state.withLock({ $0.greeted(greeting.count) }) else {
            channel.close(promise: nil)
            return
        }
        self.channel.value = channel
        write(greeting, to: channel)
        // A server that accepts and then says nothing.
        loop.scheduleTask(in: TimeAmount(configuration.answerTimeout)) { [weak channel] in
            guard let channel, channel === self.channel.value, self.state.withLock({ $0.isGreeting }) else { return }
            self.drop(RedisStoreError(.timedOut, "\(self.address) accepted the connection and did not answer"))
        }
    }

    /// Writes all that waits at once.
    private func flush() {
        guard let channel = channel.value else { return }
        let commands = state.withLock { $0.takeWaiting(now: loop.now) }
        if commands.isEmpty { return }
        write(commands, to: channel)
        watchDeadline()
    }

    private func write(_ commands: [RESPCommand], to channel: any Channel) {
        var buffer = channel.allocator.buffer(capacity: commands.reduce(0) { $0 + $1.octets.count })
        for command in commands { buffer.writeBytes(command.octets) }
        channel.writeAndFlush(buffer, promise: nil)
    }

    private func watchDeadline() {
        guard !isTimed.value, let deadline = state.withLock({ $0.deadline }) else { return }
        isTimed.value = true
        loop.scheduleTask(deadline: deadline) {
            self.isTimed.value = false
            if let oldest = self.state.withLock({ $0.deadline }), oldest <= self.loop.now {
                self.drop(RedisStoreError(.timedOut, "\(self.address) did not answer in time"))
            } else {
                self.watchDeadline()
            }
        }
    }

    /// Handles an answer; called by the connection's handler.
    fileprivate func received(_ value: RESPValue, from channel: any Channel) {
        guard let current = self.channel.value, current === channel else { return }
        switch state.withLock({ $0.received(value) }) {
        case .notice(let notice): notice.give()
        case .ready: flush()
        case .close(let error): drop(error)
        case .nothing: break
        }
    }

    /// Gives up the connection for a reason of ours.
    fileprivate func drop(_ error: RedisStoreError) {
        guard let channel = channel.value else { return }
        self.channel.value = nil
        channel.close(promise: nil)
        lost(error)
    }

    /// The connection ended; called by its handler.
    fileprivate func ended(_ channel: any Channel) {
        guard let current = self.channel.value, current === channel else { return }
        self.channel.value = nil
        lost(RedisStoreError(.lost, "\(address) closed the connection"))
    }

    private func lost(_ error: RedisStoreError) {
        let (notices, failures) = state.withLock { $0.lost(error) }
        for notice in notices { notice.give() }
        guard let failures else { return }
        loop.scheduleTask(in: TimeAmount(pause(after: failures))) { self.connect() }
    }

    /// Twice as long each time up to the longest, less up to half at random, so that many registries do not come at once.
    private func pause(after failures: Int) -> Duration {
        let doubled = configuration.backOffMin * (1 << min(failures - 1, 20))
        return min(doubled, configuration.backOffMax) * (1 - 0.5 * min(max(jitter(), 0), 1))
    }

    /// One line for people.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return reason(first.error) }
            return "\(error.host) is not a known host"
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: return "it took too long"
        default: return "\(error)"
        }
    }
}

/// Parses what one connection brings; confined to its event loop by NIO.
private final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let link: RedisLink
    private var parser: RESPParser

    init(link: RedisLink, limits: RESPLimits) {
        self.link = link
        parser = RESPParser(limits: limits)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let value = try parser.next() { link.received(value, from: context.channel) }
        } catch {
            link.drop(RedisStoreError(.malformed, "what answers is not Redis: \(error)"))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        link.ended(context.channel)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The end of the connection follows and tells.
        context.close(promise: nil)
    }
}
