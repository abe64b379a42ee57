// A descriptor that is closed once, whoever closes it first.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Foundation's FileHandle closes twice if two threads close it at once, and the second time a stranger's descriptor.
final class OwnedDescriptor: Sendable {
    let number: Int32
    private let isOpen = Atomic(true)

    init(_ number: Int32) {
        self.number = number
    }

    deinit {
        close()
    }

    func close() {
        if isOpen.exchange(false, ordering: .acquiringAndReleasing) { _ = Glibc.close(number) }
    }

    /// Writes all of `bytes`, waiting while there is no room; false if nobody reads.
    func write(_ bytes: [UInt8]) -> Bool {
        _ = Self.ignoresBrokenPipes
        var rest = bytes[...]
        while !rest.isEmpty, isOpen.load(ordering: .acquiring) {
            let count = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest.removeFirst(count)
        }
        return rest.isEmpty
    }

    private static let ignoresBrokenPipes: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return true
    }()

    /// The octets that are there, waited for if there are none; empty at the end.
    func readSome() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            var got = -1
            repeat { got = read(number, buffer.baseAddress, buffer.count) } while got < 0 && errno == EINTR
            count = max(0, got)
        }
    }
}
