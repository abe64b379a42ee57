// A client of bare sockets for tests of whole programs: sends any octets, and sees what comes back and how it ends.

import Dispatch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One TCP connection to a port of 127.0.0.1; its calls block a thread of Dispatch, never a task's.
package final class RawConnection: Sendable {
    /// How a connection ended.
    package enum End: Sendable, Equatable {
        /// The server closed its side.
        case closed
        /// The server reset the connection.
        case reset
        /// Nothing came for as long as a test is willing to wait.
        case silent
    }

    private let descriptor: OwnedDescriptor

    /// Connects.
    package init(port: UInt16) throws {
        #if canImport(Glibc)
        let kind = Int32(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        descriptor = OwnedDescriptor(socket(AF_INET, kind, 0))
        _ = fcntl(descriptor.number, F_SETFD, FD_CLOEXEC)
        var patience = timeval(tv_sec: 15, tv_usec: 0)
        setsockopt(descriptor.number, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(
            descriptor.number,
            Int32(IPPROTO_TCP),
            TCP_NODELAY,
            &one,
            socklen_t(MemoryLayout<Int32>.size)
        )
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor.number, $0, length) }
        }
        guard result == 0 else { throw TestSupportError.systemCall("connect", errno: errno) }
    }

    /// Connects to `base`, as ``RunningCDN/base`` spells it.
    package convenience init(_ base: String) throws {
        guard let port = base.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw RunningProcess.Failure("no port in '\(base)'")
        }
        try self.init(port: port)
    }

    /// Sends all of `octets`; false if the server has closed the connection for good.
    @discardableResult
    package func send(_ octets: [UInt8]) async -> Bool {
        await run { descriptor in
            var rest = octets[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(truncatingIfNeeded: MSG_NOSIGNAL))
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest.removeFirst(count)
            }
            return true
        }
    }

    /// Octets until `isEnough` or the end, which is nil in the first case.
    package func receive(
        until isEnough: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) async -> (octets: [UInt8], end: End?) {
        await run { descriptor in
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while !isEnough(all) {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count < 0, errno == EINTR { continue }
                if count < 0 { return (all, errno == EAGAIN ? .silent : .reset) }
                guard count > 0 else { return (all, .closed) }
                all += buffer[..<count]
            }
            return (all, nil)
        }
    }

    /// Says that nothing more will be sent.
    package func endSending() {
        shutdown(descriptor.number, Int32(SHUT_WR))
    }

    /// Closes the connection now.
    package func close() {
        descriptor.close()
    }

    private func run<Result: Sendable>(_ body: @escaping @Sendable (Int32) -> Result) async -> Result {
        let descriptor = descriptor
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body(descriptor.number)) }
        }
    }
}

extension RawConnection {
    /// Sends `octets` on a connection of its own and reads to its end.
    package static func exchange(_ octets: [UInt8], with base: String) async throws -> (octets: [UInt8], end: End) {
        let connection = try RawConnection(base)
        await connection.send(octets)
        let result = await connection.receive()
        return (result.octets, result.end ?? .closed)
    }
}

extension String {
    /// One octet for each scalar below U+0100, so that a test can spell any octet.
    package var latin1: [UInt8] { unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
}
