// A client of bare sockets for tests: sends any octets, and sees ends and resets as they are.

import Glibc
import NIOCore
import NIOPosix

/// What a raw connection did not do.
enum RawClientError: Error {
    case connect(Int32)
    case send(Int32)
    case receive(Int32)
    case timedOut
    case handshake
}

/// One TCP connection to a loopback address; calls block a thread of a pool of their own, never a task's.
final class RawClient: Sendable {
    /// How a connection's octets ended.
    enum End: Equatable {
        /// The server closed its side.
        case closed
        /// The server reset the connection.
        case reset
        /// With TLS: the server closed it without close_notify.
        case cut
    }

    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 32)
        pool.start()
        return pool
    }()

    private let descriptor: Int32
    private let tls: OpenSSLSession?

    private init(descriptor: Int32, tls: OpenSSLSession? = nil) {
        self.descriptor = descriptor
        self.tls = tls
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Connects; `receiveBytes` sets a small receive buffer for a slow reader.
    static func connect(port: Int, ipv6: Bool = false, receiveBytes: Int32? = nil) async throws -> RawClient {
        let isSecure = Carrier.isSecure
        return try await run {
            let descriptor = socket(ipv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let client = RawClient(descriptor: descriptor)
            if var size = receiveBytes {
                setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
            }
            var patience = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            let address = try SocketAddress(ipAddress: ipv6 ? "::1" : "127.0.0.1", port: port)
            let result = address.withSockAddr { Glibc.connect(descriptor, $0, socklen_t($1)) }
            guard result == 0 else { throw RawClientError.connect(errno) }
            guard isSecure else { return client }
            let own = dup(descriptor)
            guard let tls = OpenSSLSession(own) else {
                Glibc.close(own)
                throw RawClientError.handshake
            }
            return RawClient(descriptor: own, tls: tls)
        }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ octets: [UInt8]) async throws {
        try await RawClient.run { [self] in
            var rest = octets[...]
            while !rest.isEmpty {
                rest.removeFirst(try sendSome(rest))
            }
        }
    }

    /// Octets until there are at least `count`, or the end.
    func receive(atLeast count: Int = 1) async throws -> [UInt8] {
        try await receive { $0.count >= count }.octets
    }

    /// Octets until `text` has come; fails if the connection ends before.
    func receive(through text: String) async throws -> String {
        let wanted = Array(text.utf8)
        let result = try await receive {
            $0.count >= wanted.count && $0.suffix(64 * 1024 + wanted.count).contains(wanted)
        }
        return String(decoding: result.octets, as: UTF8.self)
    }

    /// Everything until the connection ends, and how it did.
    func receiveAll() async throws -> (text: String, end: End) {
        let result = try await receive { _ in false }
        return (String(decoding: result.octets, as: UTF8.self), result.end ?? .closed)
    }

    /// Everything until the connection ends, counted only.
    func discardAll() async throws -> (count: Int, end: End) {
        try await RawClient.run { [self] in
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            var total = 0
            while true {
                switch try receiveSome(&buffer) {
                case .count(let count): total += count
                case .end(let end): return (total, end)
                }
            }
        }
    }

    private func receive(
        until isEnough: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> (octets: [UInt8], end: End?) {
        try await RawClient.run { [self] in
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while !isEnough(all) {
                switch try receiveSome(&buffer) {
                case .count(let count): all += buffer[..<count]
                case .end(let end): return (all, end)
                }
            }
            return (all, nil)
        }
    }

    private enum Received {
        case count(Int)
        case end(End)
    }

    private func sendSome(_ octets: ArraySlice<UInt8>) throws -> Int {
        if let tls {
            guard case .moved(let count) = tls.write(octets) else { throw RawClientError.send(errno) }
            return count
        }
        let count = octets.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(truncatingIfNeeded: MSG_NOSIGNAL))
        }
        guard count > 0 else { throw RawClientError.send(errno) }
        return count
    }

    private func receiveSome(_ buffer: inout [UInt8]) throws -> Received {
        let number: Int32
        if let tls {
            switch tls.read(into: &buffer) {
            case .moved(let count): return .count(count)
            case .closed: return .end(.closed)
            case .cut: return .end(.cut)
            case .failed(let failure): number = failure
            }
        } else {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count >= 0 { return count == 0 ? .end(.closed) : .count(count) }
            number = errno
        }
        if number == ECONNRESET { return .end(.reset) }
        throw number == EAGAIN ? RawClientError.timedOut : RawClientError.receive(number)
    }

    /// Closes the sending side, with TLS after close_notify.
    func shutDownSending() {
        tls?.sayClose()
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Makes the end of this client a reset.
    func resetAtClose() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    private static func run<Result: Sendable>(
        _ operation: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await pool.runIfActive(operation)
    }
}
