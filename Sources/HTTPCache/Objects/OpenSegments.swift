// How many segment files stay open between two uses, in the whole process: descriptors are the process's.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The segment files that responses keep open, the oldest closed for each one more than there may be.
///
/// A file that is being sent stays open for as long as that takes; it is opened anew for the next.
enum OpenSegments {
    private struct Slot: Sendable {
        weak var response: StoredResponse?
        var segment: Int
    }

    private struct State {
        var slots: [Slot] = []
        var hand = 0
    }

    private static let state = Mutex(State())

    /// A quarter of the descriptors that the process may have; between 16 and 16,384.
    static let filesMax: Int = {
        var limit = rlimit()
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return 64 }
        return max(16, min(16_384, (Int(exactly: limit.rlim_cur) ?? .max) / 4))
    }()

    /// Notes that `response` keeps the file of `segment` open from now on.
    static func note(_ response: StoredResponse, _ segment: Int) {
        let new = Slot(response: response, segment: segment)
        let oldest = state.withLock { state -> Slot? in
            guard state.slots.count >= filesMax else {
                state.slots.append(new)
                return nil
            }
            defer {
                state.slots[state.hand] = new
                state.hand = (state.hand + 1) % filesMax
            }
            return state.slots[state.hand]
        }
        guard let oldest, let response = oldest.response else { return }
        response.closeFile(segment: oldest.segment)
    }
}
