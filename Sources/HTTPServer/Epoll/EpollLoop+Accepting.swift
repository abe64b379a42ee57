// How a loop takes connections: from sockets that all loops share, handed on where a loop has more than its share.

#if os(Linux)
import CLinux
import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension EpollLoop {
    /// Connections accepted in one turn from one socket; the rest is reported again.
    private static let acceptsMax = 16
    /// How long accepting rests when descriptors or memory have run out.
    private static let acceptRest: Int64 = 500
    /// How often that is said, in milliseconds.
    private static let restNoticeInterval: Int64 = 60_000

    /// Waits for connections: the kernel wakes one of the loops that do.
    func watchListeners() {
        for listener in parts.listeners {
            let events = clinux_epoll_in | clinux_epoll_exclusive
            if !parts.set.add(listener.descriptor, for: events, as: UInt64(listener.descriptor)) {
                restFromAccepting()
            }
        }
    }

    /// Takes connections that wait at the listening socket of that descriptor.
    func accept(from descriptor: Int32) {
        guard let listener = parts.listeners.first(where: { $0.descriptor == descriptor }) else { return }
        for _ in 0..<EpollLoop.acceptsMax {
            let socket = listener.accept()
            if socket >= 0 {
                place(socket)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EINVAL: return parts.set.remove(descriptor)  // It listens no more.
            case EMFILE, ENFILE:
                return restFromAccepting(because: "no descriptors are left for more clients; see ulimit -n")
            case ENOBUFS, ENOMEM:
                return restFromAccepting(because: "the system has no memory for more")
            default: continue  // An error of that connection alone, as accept(2) lists them.
            }
        }
    }

    /// Level-triggered readiness that cannot be used would make the loop spin.
    private func restFromAccepting(because reason: Logger.Message? = nil) {
        if let reason, now >= nextRestNotice {
            parts.logger.warning("Accepting connections rests: \(reason)")
            nextRestNotice = now + EpollLoop.restNoticeInterval
        }
        for listener in parts.listeners { parts.set.remove(listener.descriptor) }
        acceptsAgainAt = now + EpollLoop.acceptRest
    }

    /// Keeps a connection, or hands it to the loop with the fewest if this one has clearly more.
    private func place(_ socket: Int32) {
        let own = parts.mailbox.connections.load(ordering: .relaxed)
        var (fewest, target) = (own, parts.mailbox)
        for mailbox in parts.mailboxes {
            let count = mailbox.connections.load(ordering: .relaxed)
            if count < fewest { (fewest, target) = (count, mailbox) }
        }
        guard target !== parts.mailbox, own > fewest + 2 + fewest / 8 else {
            parts.mailbox.connections.add(1, ordering: .relaxed)
            return adopt(socket)
        }
        target.connections.add(1, ordering: .relaxed)
        target.post(.adopt(socket))
    }
}
#endif
