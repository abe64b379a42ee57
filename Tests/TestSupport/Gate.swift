// A door that a test opens, for scripts that must not go on before.

import Synchronization

/// Closed until ``open()`` is called, open ever after.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var whenOpen: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Whether it was opened.
    package var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Lets through all who wait and all who come.
    package func open() {
        let actions = state.withLock { state in
            state.isOpen = true
            defer { state.whenOpen = [] }
            return state.whenOpen
        }
        for action in actions { action() }
    }

    /// Calls `action` once, now or on the thread that opens the gate.
    package func whenOpen(_ action: @escaping @Sendable () -> Void) {
        let isOpen = state.withLock { state in
            if !state.isOpen { state.whenOpen.append(action) }
            return state.isOpen
        }
        if isOpen { action() }
    }

    /// Waits until it is open; a test's own wait, without bound.
    package func wait() async {
        await withCheckedContinuation { continuation in
            whenOpen { continuation.resume() }
        }
    }
}
