// Which socket belongs to which idle connection, to see whether an origin said more than it was asked.
//
// libcurl 7.88 takes a kept connection for good although octets wait on it, and would read them as the response to
// the next request (RFC 9112 section 6.3: a client must not process, cache or forward such extra data as a response).

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The sockets of connections that have answered and may be used again; lives on the loop's thread.
struct IdleSockets {
    /// What tells one connection from all others at the same time.
    struct Connection: Hashable {
        var localAddress: String
        var localPort: Int32
        var remoteAddress: String
        var remotePort: Int32
    }

    private var sockets: [Connection: Int32] = [:]
    private var connections: [Int32: Connection] = [:]
    /// Those on which more came than an answer, and was read.
    private var spoiled: Set<Int32> = []

    /// How many are known: at most one for each descriptor of the process.
    var count: Int { sockets.count }

    /// `connection`, on `socket`, has been answered and waits for its next request.
    mutating func keep(_ connection: Connection, socket: Int32) {
        guard connections[socket] != connection else { return }
        spoiled.remove(socket)
        if let former = connections.updateValue(connection, forKey: socket) { sockets[former] = nil }
        if let former = sockets.updateValue(socket, forKey: connection) { connections[former] = nil }
        connections[socket] = connection
    }

    /// `connection` has been answered with more than was asked for: it is not to be used again.
    mutating func spoil(_ connection: Connection, socket: Int32) {
        keep(connection, socket: socket)
        spoiled.insert(socket)
    }

    /// The socket of a connection that was kept; nil for one that never was.
    func socket(of connection: Connection) -> Int32? { sockets[connection] }

    /// Whether what waits to be read on `socket` may be the beginning of an answer, as far as it goes.
    static func mayBeginAnswer(_ socket: Int32) -> Bool {
        var octets: UInt64 = 0
        let start = "HTTP/".utf8
        let count = recv(socket, &octets, start.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return withUnsafeBytes(of: octets) { $0.prefix(max(0, count)).elementsEqual(start.prefix(max(0, count))) }
    }

    /// Whether a request may go out on `connection`: nothing more than answers came, nothing waits to be read, not even the
    /// end.
    ///
    /// True for a connection that was never kept.
    func isQuiet(_ connection: Connection) -> Bool {
        guard let socket = sockets[connection] else { return true }
        guard !spoiled.contains(socket) else { return false }
        var octet: UInt8 = 0
        return recv(socket, &octet, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) < 0 && errno == EAGAIN
    }
}
