// The system calls on a connected socket: thin, and their errors sorted into what a connection can do about them.

#if os(Linux)
import CLinux
import HTTP

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Calls on a socket that does not block.
enum SocketCall {
    /// What came of a call.
    enum Outcome {
        /// So many octets, at least 1.
        case moved(Int)
        /// Nothing now; the kernel reports when it is worth another try.
        case wouldBlock
        /// Nothing any more: the other side has ended, or a file is shorter than it was.
        case ended
        /// The connection is gone.
        case failed
    }

    /// Octets into `buffer`.
    static func receive(_ socket: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>) -> Outcome {
        outcome { recv(socket, buffer.baseAddress, buffer.count, 0) }
    }

    /// Octets out; `isMoreComing` lets the kernel wait for them before it sends a packet that is not full.
    static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer, isMoreComing: Bool = false) -> Outcome {
        let flags = Int32(truncatingIfNeeded: isMoreComing ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL)
        return outcome { Glibc.send(socket, bytes.baseAddress, bytes.count, flags) }
    }

    /// Octets out from two places in one call, and CRLF after them if a chunk ends there.
    static func send(
        _ socket: Int32,
        _ first: UnsafeRawBufferPointer,
        _ second: UnsafeRawBufferPointer,
        endsChunk: Bool
    ) -> Outcome {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 3) { vectors in
            withUnsafeBytes(of: UInt16(0x0d0a).bigEndian) { end in
                vectors.initializeElement(at: 0, to: iovec(first))
                vectors.initializeElement(at: 1, to: iovec(second))
                vectors.initializeElement(at: 2, to: iovec(end))
                var message = msghdr()
                message.msg_iov = vectors.baseAddress
                message.msg_iovlen = endsChunk ? 3 : 2
                return outcome { sendmsg(socket, &message, Int32(truncatingIfNeeded: MSG_NOSIGNAL)) }
            }
        }
    }

    /// Octets of a file out; at most `bytesMax`.
    static func send(_ socket: Int32, _ region: FileRegion, bytesMax: Int) -> Outcome {
        var offset = off_t(region.offset)
        return outcome { sendfile(socket, region.file.descriptor, &offset, min(region.count, bytesMax)) }
    }

    /// Octets that the client has not acknowledged.
    static func unsentBytes(_ socket: Int32) -> Int32 {
        clinux_unsent_bytes(socket)
    }

    /// Ends the sending side after what was sent.
    static func endSending(_ socket: Int32) {
        shutdown(socket, Int32(SHUT_WR))
    }

    /// Closes.
    static func close(_ socket: Int32) {
        Glibc.close(socket)
    }

    /// Closes so that the client sees a reset.
    static func reset(_ socket: Int32) {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        Glibc.close(socket)
    }

    private static func outcome(_ call: () -> Int) -> Outcome {
        while true {
            let count = call()
            if count > 0 { return .moved(count) }
            if count == 0 { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed
            }
        }
    }
}

extension iovec {
    /// Octets that are only read.
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        self.init(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }
}
#endif
