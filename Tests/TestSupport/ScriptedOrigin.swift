// An HTTP/1.1 origin for tests that does exactly what a script says, right or wrong: raw sockets and threads, no HTTP library.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A scriptable origin on a loopback port of its own.
///
/// Every connection has a thread; every request is recorded and then handed to the script, whose steps the thread takes
/// one after the other. Connections are kept alive until a step ends them or the client does. Call ``stop()`` at the end
/// of the test (`defer { origin.stop() }`).
package final class ScriptedOrigin: Sendable {
    /// From the request to what is done about it; called on the connection's thread.
    package typealias Script = @Sendable (RecordedRequest) -> Reply

    package let port: UInt16
    /// Whether a request's body is read before the script is asked.
    package let readsBodyFirst: Bool
    /// Connections accepted.
    package let connections = Tally("connections accepted")
    /// Connections that the client ended, noticed while reading, writing or waiting.
    package let departures = Tally("connections ended by the client")
    /// Replies whose steps were all taken.
    package let completedReplies = Tally("replies completed")
    private let arrivals = Tally("requests")
    private let state: Mutex<State>
    private let listener: Int32
    private let sendBufferBytes: Int32?

    private struct State {
        var script: Script
        var isStopping = false
        var requests: [RecordedRequest] = []
        /// By request.
        var bodyOctetsSent: [Int64] = []
        /// The pipes that wake the threads of open connections, by connection.
        var wakers: [Int: WakePipe] = [:]
        var threads: [pthread_t] = []
        var connectionCount = 0
    }

    /// Listens on 127.0.0.1, port 0, and serves `script`.
    ///
    /// - Parameters:
    ///   - readsBodyFirst: False for scripts that use ``Reply/Step/readBody(octetsMax:)``.
    ///   - sendBufferBytes: The kernel's send buffer, small to have ``bodyOctetsSent`` near to what the client has read.
    ///   - script: What to do about each request.
    /// - Throws: ``TestSupportError`` if there is no socket to be had.
    package init(readsBodyFirst: Bool = true, sendBufferBytes: Int32? = nil, script: @escaping Script) throws {
        self.readsBodyFirst = readsBodyFirst
        self.sendBufferBytes = sendBufferBytes
        (listener, port) = try Self.listen()
        state = Mutex(State(script: script))
        startThread { origin in origin.acceptConnections() }
    }

    /// Serves `file` at every target.
    package convenience init(file: OriginFile, sendBufferBytes: Int32? = nil) throws {
        try self.init(sendBufferBytes: sendBufferBytes) { file.reply(to: $0) }
    }

    deinit {
        close(listener)
    }

    /// `127.0.0.1:PORT`.
    package var authority: String { "127.0.0.1:\(port)" }

    /// `http://127.0.0.1:PORT`.
    package var url: String { "http://\(authority)" }

    /// All requests so far, in order of arrival.
    package var requests: [RecordedRequest] { state.withLock { $0.requests } }

    /// Body octets handed to the kernel for each request so far.
    package var bodyOctetsSent: [Int64] { state.withLock { $0.bodyOctetsSent } }

    /// Body octets handed to the kernel for all requests together.
    package var bodyOctetsSentInTotal: Int64 { bodyOctetsSent.reduce(0, +) }

    /// Serves `script` from the next request on.
    package func serve(_ script: @escaping Script) {
        state.withLock { $0.script = script }
    }

    /// Serves `file` from the next request on.
    package func serve(_ file: OriginFile) {
        serve { file.reply(to: $0) }
    }

    /// Returns all requests once there are at least `count`; throws ``TestSupportError/notReached(_:)`` after `bound`.
    package func requests(count: Int, within bound: Duration = .seconds(30)) async throws -> [RecordedRequest] {
        try await arrivals.reach(count, within: bound)
        return requests
    }

    /// Ends every connection and joins every thread; of no effect the second time.
    package func stop() {
        let wakers = state.withLock { state in
            state.isStopping = true
            return Array(state.wakers.values)
        }
        for waker in wakers { waker.wake() }
        shutdown(listener, Int32(SHUT_RDWR))
        while let thread = state.withLock({ $0.threads.popLast() }) {
            pthread_join(thread, nil)
        }
    }

    // MARK: For the connections

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Records a request and asks the script.
    func record(
        _ lines: [String],
        _ body: [UInt8],
        connection: Int,
        indexOnConnection: Int
    ) -> (index: Int, reply: Reply) {
        let (request, script) = state.withLock { state in
            let request = RecordedRequest(
                index: state.requests.count,
                connection: connection,
                indexOnConnection: indexOnConnection,
                rawLines: lines,
                body: body
            )
            state.requests.append(request)
            state.bodyOctetsSent.append(0)
            return (request, state.script)
        }
        arrivals.advance()
        return (request.index, script(request))
    }

    func recordSent(_ count: Int, for request: Int) {
        state.withLock { $0.bodyOctetsSent[request] += Int64(count) }
    }

    func forget(connection: Int) {
        state.withLock { $0.wakers[connection] = nil }
    }

    // MARK: Listening

    private func acceptConnections() {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            if let sendBufferBytes { setOption(descriptor, SO_SNDBUF, sendBufferBytes) }
            let waker = WakePipe()
            let number: Int? = state.withLock { state in
                guard !state.isStopping else { return nil }
                defer { state.connectionCount += 1 }
                state.wakers[state.connectionCount] = waker
                return state.connectionCount
            }
            guard let number else {
                close(descriptor)
                return
            }
            connections.advance()
            startThread { origin in
                ScriptedConnection(origin: origin, number: number, descriptor: descriptor, waker: waker).run()
            }
        }
    }

    private func startThread(_ body: @escaping @Sendable (ScriptedOrigin) -> Void) {
        let box = Unmanaged.passRetained(ThreadBody { body(self) })
        var thread = pthread_t()
        let failure = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            box.toOpaque()
        )
        guard failure == 0 else {
            box.release()
            return
        }
        state.withLock { $0.threads.append(thread) }
    }

    private static func listen() throws -> (Int32, UInt16) {
        #if canImport(Glibc)
        let kind = Int32(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw TestSupportError.systemCall("socket", errno: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, 512) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else {
            defer { close(descriptor) }
            throw TestSupportError.systemCall("bind", errno: errno)
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}

/// What a thread does, carried through its C argument.
private final class ThreadBody {
    let run: () -> Void

    init(_ run: @escaping () -> Void) {
        self.run = run
    }
}

func setOption(_ descriptor: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size))
}

/// A pipe whose reading end becomes readable when someone wants a waiting thread to look around.
final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func wake() {
        var octet: UInt8 = 0
        write(writeEnd, &octet, 1)
    }

    func drain() {
        var octets: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
        while read(readEnd, &octets, octets.count) > 0 {}
    }
}
