// The server: binds, serves until it is told to stop, lets what runs finish.

package import HTTP
package import Logging
import ServiceLifecycle
import Synchronization

/// A server of HTTP/1.1 and HTTP/2 for one responder.
///
/// Call ``bind()`` to learn the ports before ``run()``; connections wait until ``run()`` is called. At graceful shutdown
/// it stops accepting, closes idle connections and lets the others finish what they are doing within
/// ``HTTPServerConfiguration/shutdownGrace``; if its task is cancelled it resets them all. When ``run()`` returns, no
/// task and no connection is left.
package final class Server: Service {
    private enum State {
        case new
        case bound
        case ran
    }

    private let transport: any Transport
    private let state = Mutex(State.new)

    /// A server that is not listening yet.
    ///
    /// - Parameters:
    ///   - configuration: Addresses and limits.
    ///   - responder: Answers every request.
    ///   - logger: Told of what goes wrong inside; never of what a request holds.
    package init(configuration: HTTPServerConfiguration, responder: any Responder, logger: Logger) {
        var configuration = configuration
        if configuration.tls != nil {
            configuration.transport = .nio
            configuration.scheme = "https"
        }
        switch configuration.transport {
        #if os(Linux)
        case .epoll:
            transport = EpollTransport(configuration: configuration, responder: responder, logger: logger)
        #endif
        case .nio: transport = NIOTransport(configuration: configuration, responder: responder, logger: logger)
        }
    }

    /// Binds every address of the configuration and returns them in that order, with the ports really bound.
    ///
    /// - Throws: ``HTTPServerError`` if one of them cannot be bound (then none is), or if the server was bound before.
    @discardableResult
    package func bind() async throws(HTTPServerError) -> [BoundAddress] {
        let isFirst = state.withLock { state in
            guard case .new = state else { return false }
            state = .ran
            return true
        }
        guard isFirst else {
            throw HTTPServerError(code: .alreadyRan, message: "a server can be bound only once", underlying: nil)
        }
        let addresses = try await transport.bind()
        state.withLock { $0 = .bound }
        return addresses
    }

    /// Serves until graceful shutdown or cancellation; binds first if that is not done.
    ///
    /// - Throws: ``HTTPServerError`` if an address cannot be bound or the server ran before.
    package func run() async throws {
        if state.withLock({ $0 == .new }) { try await bind() }
        let isBound = state.withLock { state in
            guard state == .bound else { return false }
            state = .ran
            return true
        }
        guard isBound else {
            throw HTTPServerError(code: .alreadyRan, message: "a server can run only once", underlying: nil)
        }
        await transport.run()
    }

    /// Connections now, and since the start.
    package var connectionCounts: (now: Int, total: Int) { transport.connectionCounts }

    /// Reads certificate and key again, for the connections that come from now on; what is wrong with them is logged, and
    /// the old ones stay.
    ///
    /// They are read when they change, too; this is for who wants to know now. May block on the disk.
    package func reload() {
        transport.reload()
    }
}
