// Links of the peer networks over TCP, by SwiftNIO.

import NIOCore
import NIOPosix
import NIOSSL
package import PeerNetwork
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Listens at one address, dials others, and moves frames on one event loop.
package final class TCPTransport: PeerTransport {
    /// One of those of the process: it never ends, as who looks up a name for a link may come back long after ``stop()``.
    private let loop: any EventLoop
    private let listener: any Channel
    private let links: TCPLinks
    private let ticks = Mutex<RepeatedTask?>(nil)

    /// Where it listens.
    package var port: Int { listener.localAddress?.port ?? 0 }

    private init(_ loop: any EventLoop, _ listener: any Channel, _ links: TCPLinks) {
        (self.loop, self.listener, self.links) = (loop, listener, links)
    }

    /// Listens; connections that come in are taken when ``start(_:)`` is called.
    ///
    /// - Parameters:
    ///   - host: An address of this machine.
    ///   - port: 0 for one that is free.
    ///   - tls: How links are encrypted; nil: they are not.
    ///   - limits: Its bounds.
    /// - Returns: A transport that is to be started.
    /// - Throws: An error of the system: the port is in use, or is not for everybody.
    package static func listen(
        host: String,
        port: Int,
        tls: PeerTLS? = nil,
        limits: TCPLimits = TCPLimits()
    ) async throws -> TCPTransport {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let links = TCPLinks(limits, tls)
        let listener = try await ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.silentFor), value: Silence.milliseconds(limits))
            .childChannelOption(.tcpOption(.askedAfter), value: Silence.idleSeconds(limits))
            .childChannelOption(.tcpOption(.askedEvery), value: Silence.pauseSeconds(limits))
            .childChannelInitializer { links.accept($0) }
            .bind(host: host, port: port)
            .get()
        return TCPTransport(loop, listener, links)
    }

    /// The errno in what ``listen(host:port:tls:limits:)`` has thrown; nil if there is none.
    package static func systemErrorCode(_ error: any Error) -> Int32? { (error as? IOError)?.errnoCode }

    /// What went wrong, for people.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "no such host"
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case ChannelError.connectTimeout: "no answer in time"
        case is NIOSSLError, is BoringSSLError: "there is no TLS at its other end, or none that fits"
        default: "\(error)"
        }
    }

    package func start(_ node: any TransportDelegate) {
        links.start(node)
        listener.setOption(.autoRead, value: true).whenComplete { _ in }
        let pause = TimeAmount.milliseconds(250)
        let task = loop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { [links] _ in links.tick() }
        ticks.withLock { $0 = task }
    }

    package func dial(_ link: LinkID, to address: PeerAddress) {
        let links = links
        links.dial(link)
        ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.silentFor), value: Silence.milliseconds(links.limits))
            .channelOption(.tcpOption(.askedAfter), value: Silence.idleSeconds(links.limits))
            .channelOption(.tcpOption(.askedEvery), value: Silence.pauseSeconds(links.limits))
            .connectTimeout(.seconds(links.limits.connectSeconds))
            .channelInitializer { links.prepare($0, link) }
            .connect(host: address.host, port: address.port)
            .whenFailure { error in links.fail(link, Self.reason(error)) }
    }

    package func send(_ payloads: [[UInt8]], on link: LinkID) { links.send(payloads, on: link) }

    package func hurry(_ link: LinkID) { links.hurry(link) }

    package func close(_ link: LinkID) { links.close(link) }

    package func setReading(_ isReading: Bool) { links.setReading(isReading) }

    package func stop(_ whenDone: @escaping @Sendable () -> Void) {
        let closing = listener.close()
        ticks.withLock { $0.take() }?.cancel()
        links.stop { closing.whenComplete { _ in whenDone() } }
        // What is being sent has a second.
        loop.scheduleTask(in: .milliseconds(1100)) { [links] in links.stopWaiting() }
    }
}

/// How the kernel finds out that a peer's machine is not there any more (tcp(7)).
private enum Silence {
    /// For how long what was sent, or a question, may be without an answer.
    static func milliseconds(_ limits: TCPLimits) -> Int { Int(limits.silenceSeconds) * 1000 }
    /// After how long of saying nothing it is asked, which is again so long until it is given up.
    static func idleSeconds(_ limits: TCPLimits) -> Int { max(1, Int(limits.silenceSeconds) / 2) }
    static func pauseSeconds(_ limits: TCPLimits) -> Int { max(1, Int(limits.silenceSeconds) / 4) }
}

extension NIOBSDSocket.Option {
    /// TCP_USER_TIMEOUT.
    fileprivate static let silentFor = Self(rawValue: TCP_USER_TIMEOUT)
    /// TCP_KEEPIDLE.
    fileprivate static let askedAfter = Self(rawValue: TCP_KEEPIDLE)
    /// TCP_KEEPINTVL.
    fileprivate static let askedEvery = Self(rawValue: TCP_KEEPINTVL)
}
