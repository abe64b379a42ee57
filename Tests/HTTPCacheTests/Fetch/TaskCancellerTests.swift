// Cancelling a task from outside while it is in one call, and not after it.

import TestSupport
import Testing

@testable import HTTPCache

@Suite struct TaskCancellerTests {
    @Test func `whoever waits in the call is cancelled, from any thread`() async {
        let wasCancelled = await Task {
            await TaskCanceller.provide { canceller in
                async let cancelled: Void = Task.detached { canceller.cancel() }.value
                while !Task.isCancelled { await Task.yield() }
                await cancelled
                return Task.isCancelled
            }
        }.value
        #expect(wasCancelled)
    }

    @Test func `after the call its task is out of reach`() async {
        let wasCancelled = await Task {
            let canceller = await TaskCanceller.provide { $0 }
            canceller.cancel()
            return Task.isCancelled
        }.value
        #expect(!wasCancelled)
    }
}
