// A region of an open file as body octets, so that a transport can use sendfile instead of reading it.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An open file, closed when the last reference goes; its octets stay readable after the file is unlinked.
package final class OpenFile: Sendable {
    /// Valid for as long as this object lives.
    package let descriptor: Int32
    /// Where its octets begin within what the descriptor refers to.
    package let base: Int64
    private let lossHandler = Mutex<(@Sendable () -> Void)?>(nil)
    /// Nil: the descriptor is its own.
    private let release: (@Sendable () -> Void)?
    /// How many octets a part of a larger file has, whose size says nothing of it.
    private let partSize = Atomic<Int64>(0)

    private static let count = Atomic<Int>(0)
    /// How many are open that have a descriptor of their own.
    package static var openCount: Int { count.load(ordering: .relaxed) }

    /// Takes ownership of `descriptor`.
    package init(owning descriptor: Int32) {
        self.descriptor = descriptor
        base = 0
        release = nil
        Self.count.add(1, ordering: .relaxed)
    }

    /// A part of a larger file, from `base` on; `release` is called when the last reference goes, and keeps `descriptor` valid
    /// until then.
    package init(sharing descriptor: Int32, from base: Int64, release: @escaping @Sendable () -> Void) {
        self.descriptor = descriptor
        self.base = base
        self.release = release
    }

    deinit {
        if let release { return release() }
        close(descriptor)
        Self.count.subtract(1, ordering: .relaxed)
    }

    /// Says who is to learn, on whatever thread, that octets of it cannot be read any more; the last one said counts.
    package func onLoss(_ handler: @escaping @Sendable () -> Void) {
        lossHandler.withLock { $0 = handler }
    }

    /// How many octets it has; nil if that cannot be told.
    package var size: Int64? {
        if release != nil { return partSize.load(ordering: .acquiring) }
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// Says that it was written to, up to `end`.
    package func noteWritten(to end: Int64) {
        if release != nil { partSize.max(end, ordering: .releasing) }
    }

    fileprivate func reportLoss() {
        lossHandler.withLock { $0 }?()
    }
}

/// Some octets of a file; whoever holds it keeps the file open.
package struct FileRegion: Sendable {
    package let file: OpenFile
    /// As the file's descriptor counts.
    package var offset: Int64
    package var count: Int

    /// `count` octets of `file` from `offset` of it.
    package init(file: OpenFile, offset: Int64, count: Int) {
        self.file = file
        self.offset = file.base + offset
        self.count = count
    }

    /// Tells the file's owner if the first or the last octet cannot be read: for those who failed to send it.
    package func reportIfLost() {
        let isThere = [offset, offset + Int64(max(1, count)) - 1].allSatisfy { position in
            var octet: UInt8 = 0
            while true {
                let got = pread(file.descriptor, &octet, 1, off_t(position))
                if got >= 0 || errno != EINTR { return got == 1 }
            }
        }
        if !isThere { file.reportLoss() }
    }

    /// The octets, read at once; throws ``BodyError/truncated`` if the file is shorter.
    package func read() throws -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let got = pread(file.descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(filled))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    failed = true
                    return
                }
                filled += got
            }
        }
        if failed { throw BodyError.truncated }
        return bytes
    }
}
