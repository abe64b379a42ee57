// An epoll instance and the descriptors that it owns none of.

#if os(Linux)
import CLinux

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The kernel's list of what one loop waits for; closed when the last reference goes.
final class EpollSet: Sendable {
    private let descriptor: Int32

    /// Throws the system's error if there is none to be had.
    init() throws(SocketError) {
        descriptor = clinux_epoll_create()
        guard descriptor >= 0 else { throw SocketError(call: "epoll_create1", code: errno) }
    }

    deinit {
        close(descriptor)
    }

    /// Reports `events` of `watched` under `token`; false if the kernel has no room for it.
    func add(_ watched: Int32, for events: UInt32, as token: UInt64) -> Bool {
        clinux_epoll_add(descriptor, watched, events, token) == 0
    }

    /// Reports nothing of `watched` any more; a closed descriptor need not be removed.
    func remove(_ watched: Int32) {
        _ = clinux_epoll_remove(descriptor, watched)
    }

    /// Fills `events` and returns how many there are; waits for the first one up to `milliseconds`, or for ever at -1.
    func wait(for events: UnsafeMutableBufferPointer<epoll_event>, milliseconds: Int32) -> Int {
        // Fails only by a signal: as good as nothing to report.
        max(0, Int(clinux_epoll_wait(descriptor, events.baseAddress, Int32(events.count), milliseconds)))
    }
}

/// A descriptor that wakes a loop; closed when the last reference goes.
final class WakeDescriptor: Sendable {
    let descriptor: Int32

    /// Throws the system's error if there is none to be had.
    init() throws(SocketError) {
        descriptor = clinux_eventfd_create()
        guard descriptor >= 0 else { throw SocketError(call: "eventfd", code: errno) }
    }

    deinit {
        close(descriptor)
    }

    func signal() {
        clinux_eventfd_signal(descriptor)
    }

    func drain() {
        clinux_eventfd_drain(descriptor)
    }
}
#endif
