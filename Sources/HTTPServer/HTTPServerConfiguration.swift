// Every limit and address of the server, with its default.

package import HTTP

/// How an ``Server`` listens and what it puts up with.
///
/// Memory that one connection can take: ``headBytesMax`` + one read (64 KiB) + ``requestBodyBufferBytes`` + what is on
/// its way out (128 KiB); an idle one keeps less than 1 KiB over epoll, a few KiB over SwiftNIO.
package struct HTTPServerConfiguration: Sendable {
    // MARK: Addresses

    /// Where to listen; default both loopback addresses on port 8080.
    ///
    /// Addresses with port 0 all get one and the same free port.
    package var addresses: [ListenAddress] = [.loopback(port: 8080)]
    /// Connections that the kernel holds until they are accepted.
    ///
    /// Default 1024, 1 to 65535 (the kernel has its own cap).
    package var backlog = 1024
    /// How sockets are driven.
    ///
    /// Default ``TransportKind/standard``: epoll on Linux, which costs least; SwiftNIO elsewhere.
    package var transport = TransportKind.standard
    /// Event loops.
    ///
    /// Default nil: one for each CPU of the affinity mask, at most the cgroup's quota. 1 to 1024.
    package var eventLoops: Int?
    /// Connections at a time.
    ///
    /// Default 10000, at least 1. One beyond it is answered 503 and closed.
    package var connectionsMax = 10_000

    // MARK: TLS

    /// What secures the connections.
    ///
    /// Default nil: plain HTTP. If set, ``transport`` does not count (it is SwiftNIO), and ``scheme`` is `https`.
    package var tls: TLSConfiguration?

    // MARK: Requests

    /// Octets of a request head.
    ///
    /// Default 32 KiB, 256 to 1 MiB. Beyond: 431.
    package var headBytesMax = 32 * 1024
    /// Octets of a request line.
    ///
    /// Default 16 KiB, at most ``headBytesMax``. Beyond: 414.
    package var requestLineBytesMax = 16 * 1024
    /// Field lines of a request.
    ///
    /// Default 128, 1 to 1000. Beyond: 431.
    package var fieldsMax = 128
    /// Pipelined requests being answered at a time on one connection.
    ///
    /// Default 16, at least 1. Beyond it none is read.
    package var pipelinedRequestsMax = 16
    /// Octets of a request body held for a responder that is slower than the client.
    ///
    /// Default 64 KiB, at least 1.
    package var requestBodyBufferBytes = 64 * 1024
    /// Octets of a body that no responder read which are taken in after the response, to keep the connection.
    ///
    /// Default 64 KiB, at least 0. Beyond it the connection is closed.
    package var drainBytesMax = 64 * 1024

    /// The limits of HTTP/2 beyond those of all requests.
    package var http2 = HTTP2Configuration()

    // MARK: Times

    /// How long a connection may rest between requests.
    ///
    /// Default 75 s.
    package var idleTimeout = Duration.seconds(75)
    /// How long a head may take from its first octet to its last.
    ///
    /// Default 10 s. Then 408.
    package var headTimeout = Duration.seconds(10)
    /// How long ``bodyProgressBytesMin`` octets of a request body may take.
    ///
    /// Default 30 s. Then 408 or a reset.
    package var bodyTimeout = Duration.seconds(30)
    /// Octets of a request body that must come in each ``bodyTimeout``.
    ///
    /// Default 1024, at least 1.
    package var bodyProgressBytesMin = 1024
    /// How long a client may take none of the octets waiting for it.
    ///
    /// Default 60 s. Then a reset.
    package var writeStallTimeout = Duration.seconds(60)
    /// How long a response may wait for its next octets after the client closed its sending side; default 5 s.
    ///
    /// TCP does not tell a client that has left from one that only has no more to send. Octets sent to the one come
    /// back as a reset; while there are none to send, this is the time after which the client is taken to have left.
    package var halfClosedTimeout = Duration.seconds(5)
    /// How long to read on after a last response, so that the client can take it before a reset.
    ///
    /// Default 2 s.
    package var lingerTimeout = Duration.seconds(2)
    /// How long running requests have to finish at shutdown.
    ///
    /// Default 10 s. Then they are cut.
    package var shutdownGrace = Duration.seconds(10)

    // MARK: Seams

    /// The scheme that requests are given: `http`, or `https` where something in front secures them.
    package var scheme = "http"
    /// Takes a line for each response; to be run by whoever made it.
    ///
    /// Default nil, which costs nothing.
    package var accessLog: AccessLog?
    /// Counts responses.
    ///
    /// Default nil, which costs nothing.
    package var metrics: ServerMetrics?
    /// Called on the event loop after each response, immediate ones too.
    ///
    /// Default nil, which costs nothing.
    package var onResponse: (@Sendable (ResponseSummary) -> Void)?
    /// Fields of the responses that the server makes itself, for requests that never reach the responder; default none.
    package var ownResponseFields: Fields = [:]
    /// Where the tasks of requests run that the express lane does not answer.
    ///
    /// Default nil: Swift's own threads. Where almost every such request goes to one client with a thread of its own, that
    /// thread saves most of the wake-ups between threads. Streams are pulled on Swift's own threads all the same.
    package var taskExecutor: (any TaskExecutor)?
    /// Seconds since 1970 for the `Date` field; asked at each tick of each event loop, mostly four times a second.
    package var unixTime: @Sendable () -> Int64

    /// The defaults.
    ///
    /// - Parameter unixTime: The wall clock, in seconds since 1970.
    package init(unixTime: @escaping @Sendable () -> Int64) {
        self.unixTime = unixTime
    }
}

/// A way to drive sockets.
package enum TransportKind: Sendable, Equatable, CaseIterable {
    #if os(Linux)
    /// Bare epoll, edge triggered: for plain HTTP.
    case epoll
    #endif
    /// SwiftNIO.
    case nio

    /// The cheapest one that this platform has.
    package static var standard: TransportKind {
        #if os(Linux)
        .epoll
        #else
        .nio
        #endif
    }
}

/// Somewhere to listen.
package enum ListenAddress: Sendable, Equatable {
    /// 127.0.0.1 and ::1; that one of them does not exist is not an error.
    case loopback(port: Int)
    /// An IP address, or a name, of which the first address is taken; `localhost` is ``loopback(port:)``.
    case host(String, port: Int)
}
