// A directory for one test, gone when its owner is.

package import Foundation
import Synchronization

/// A new directory under the system's temporary one; removed on deinit, or at the exit of the test run if still held.
package final class TemporaryDirectory: Sendable {
    package let url: URL

    private static let live = Mutex<Set<String>>([])

    private static let removalAtExit: Void = {
        atexit {
            for path in TemporaryDirectory.live.withLock({ $0 }) { TemporaryDirectory.remove(path) }
        }
    }()

    package init() throws {
        _ = Self.removalAtExit
        url = FileManager.default.temporaryDirectory.appending(path: "waystation-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        Self.live.withLock { [path = url.path] live in _ = live.insert(path) }
    }

    deinit {
        Self.live.withLock { [path = url.path] live in _ = live.remove(path) }
        Self.remove(url.path)
    }

    package func file(_ name: String) -> URL { url.appending(path: name) }

    private static func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)  // What cannot be removed is left to the system.
    }
}
