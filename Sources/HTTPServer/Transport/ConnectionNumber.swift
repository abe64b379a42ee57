// Numbers the connections of this process, whichever server and event loop they belong to.

import Synchronization

/// The numbers that ``Request/connectionID`` carries.
enum ConnectionNumber {
    private static let last = Atomic<UInt64>(0)

    /// One that no connection had before, from 1 on.
    static func next() -> UInt64 {
        last.add(1, ordering: .relaxed).newValue
    }
}
