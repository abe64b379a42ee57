// One person at two registries: names of the one are nobody at the other.

import TestSupport
import Testing

struct TwoRegistriesTests {
    @Test func `what waits for a name at one registry never goes to that name at another`() async throws {
        let (here, there) = (try await Town(), try await Town())
        let early = try await here.pipe("@Alice: for the Alice of here\n", as: "Bob", "--wait", "0")
        #expect(early.status == 75, "\(early)")
        // Another Alice, with a key and a home of her own; Bob brings his to her registry.
        let stranger = try await there.client("Alice")
        let process = try RunningProcess(
            [Product.path("client"), "0", "Bob", there.registry.base],
            environment: ["XDG_STATE_HOME": here.home],
            hasInput: true
        )
        try process.write("@Alice: hello\n")
        process.endInput()
        let outcome = try await process.outcome()
        #expect(outcome.status == 0, "\(outcome)")
        try await stranger.shown(until: { !$0.isEmpty })
        let alice = try await here.client("Alice")
        #expect(try await here.pipe("", as: "Bob").status == 0)
        try await alice.shown(until: { !$0.isEmpty })
        #expect(alice.lines == ["Bob: for the Alice of here"])
        #expect(stranger.lines == ["Bob: hello"])
    }
}
