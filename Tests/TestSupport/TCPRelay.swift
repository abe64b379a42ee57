// A network that a test controls: passes what two programs say to each other, records it, and damages it as told.

import Foundation
import Synchronization

/// Listens on a port of 127.0.0.1 and passes octets to another one and back, each connection on threads of its own.
package final class TCPRelay: Sendable {
    package enum Direction: Sendable, Hashable {
        /// From whoever connected to the target.
        case up
        case down
    }

    /// What becomes of octets that came.
    package enum Action: Sendable {
        case pass([UInt8])
        /// These still pass, then the connection ends.
        case cut([UInt8])
        /// They pass so much later.
        case delay([UInt8], Duration)
    }

    /// Decides about each piece as it is read; called on the connections' threads.
    package typealias Rule = @Sendable (Direction, [UInt8]) -> Action

    private struct State {
        var target: Int?
        var rule: Rule = { .pass($1) }
        var recorded: [[Direction: [UInt8]]] = []
        var sockets: [Int32] = []
        var isStopped = false
    }

    /// Where it listens.
    package let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    package init() throws {
        let (listener, port) = try Self.listen()
        (self.listener, self.port) = (listener, port)
        Thread.detachNewThread { [weak self] in
            while case let socket = accept(listener, nil, nil), socket >= 0 {
                _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
                guard let relay = self else {
                    close(socket)
                    break
                }
                relay.take(socket)
            }
            close(listener)
        }
    }

    deinit {
        stop()
    }

    /// `http://127.0.0.1:PORT/`.
    package var url: String { "http://127.0.0.1:\(port)/" }

    /// Passes connections made from now on to that port of 127.0.0.1; before it was told one, it ends them.
    package func connect(to port: Int) {
        state.withLock { $0.target = port }
    }

    /// Treats what comes from now on by `rule`.
    package func treat(by rule: @escaping Rule) {
        state.withLock { $0.rule = rule }
    }

    /// What was read so far, connection after connection, before a rule changed it.
    package func recorded(_ direction: Direction) -> [[UInt8]] {
        state.withLock { $0.recorded.map { $0[direction] ?? [] } }
    }

    /// Ends every connection and takes no more.
    package func stop() {
        let sockets = state.withLock { state in
            state.isStopped = true
            return state.sockets
        }
        for socket in sockets + [listener] { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    private func take(_ client: Int32) {
        let target = state.withLock { $0.isStopped ? nil : $0.target }
        guard let target, let server = Self.connection(to: target) else {
            close(client)
            return
        }
        let index = state.withLock { state in
            state.sockets += [client, server]
            state.recorded.append([:])
            return state.recorded.count - 1
        }
        let pumps = PumpCount()
        for (direction, source, sink) in [(Direction.up, client, server), (.down, server, client)] {
            Thread.detachNewThread { [self] in
                pump(direction, index, from: source, to: sink)
                // Both ways end together; the second to notice closes.
                shutdown(source, Int32(SHUT_RDWR))
                shutdown(sink, Int32(SHUT_RDWR))
                guard pumps.isLast() else { return }
                state.withLock { $0.sockets.removeAll { $0 == source || $0 == sink } }
                close(source)
                close(sink)
            }
        }
    }

    private func pump(_ direction: Direction, _ index: Int, from source: Int32, to sink: Int32) {
        while true {
            let octets = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = max(0, recv(source, buffer.baseAddress, buffer.count, 0))
            }
            guard !octets.isEmpty else { return }
            let rule = state.withLock { state in
                state.recorded[index][direction, default: []] += octets
                return state.rule
            }
            switch rule(direction, octets) {
            case .pass(let passing):
                guard Self.write(passing, to: sink) else { return }
            case .cut(let passing):
                _ = Self.write(passing, to: sink)
                return
            case .delay(let passing, let delay):
                usleep(UInt32(delay / .microseconds(1)))
                guard Self.write(passing, to: sink) else { return }
            }
        }
    }

    private static func write(_ octets: [UInt8], to socket: Int32) -> Bool {
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest.removeFirst(count)
        }
        return true
    }

    private static func listen() throws -> (Int32, Int) {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(socket, pointer, length) == 0 && Foundation.listen(socket, 64) == 0
                    ? getsockname(socket, pointer, &length) : -1
            }
        }
        guard socket >= 0, code == 0 else { throw TestSupportError.systemCall("listen", errno: errno) }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    private static func connection(to port: Int) -> Int32? {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port: UInt16(port))
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                Foundation.connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(socket)
            return nil
        }
        return socket
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        return address
    }
}

/// Tells which of a connection's two threads ends last.
private final class PumpCount: Sendable {
    private let left = Mutex(2)

    func isLast() -> Bool {
        left.withLock { left in
            left -= 1
            return left == 0
        }
    }
}
