// What is written when, and who waits for it: without files.

import Testing

@testable import PeerRegistrySQLite

@Suite struct PendingWritesTests {
    @Test func `signs of life start a timer once, and are written in parts once time is up`() {
        var pending = PendingWrites(lazyMax: 2)
        #expect(pending.addLazily("a", hasContent: false) == .startTimer)
        for name in ["b", "c", "a"] { #expect(pending.addLazily(name, hasContent: name == "c") == .nothing) }
        expectNothing(&pending)
        #expect(pending.timeIsUp() == .startWriter)
        let first = pending.nextBatch()?.names ?? [:]
        #expect(first.count == 2)
        pending.written()
        let second = pending.nextBatch()?.names ?? [:]
        #expect(first.merging(second) { $1 } == ["a": false, "b": false, "c": true])
        pending.written()
        expectNothing(&pending)
        #expect(pending.timeIsUp() == .nothing)
    }

    @Test func `what could not be written is written later, and is not settled until then`() {
        var pending = PendingWrites(lazyMax: 10)
        let isAnnounced = pending.announce(["a"])
        #expect(isAnnounced)
        #expect(!pending.isSettled("a"))
        _ = pending.addLazily("l", hasContent: false)
        pending.withdraw(["a"])
        #expect(pending.isSettled("a"))
        pending.urge("a")
        #expect(!pending.isSettled("a"))
        #expect(pending.timeIsUp() == .startWriter)
        guard let batch = pending.nextBatch() else {
            Issue.record("there is something to write")
            return
        }
        #expect(!pending.isSettled("a"))
        #expect(pending.failed(batch) == .startTimer)
        #expect(!pending.isSettled("a"))
        #expect(pending.timeIsUp() == .startWriter)
        expectNext(&pending, ["a": true, "l": false])
        pending.written()
        expectNothing(&pending)
        #expect(pending.isSettled("a") && pending.isEmpty)
    }

    @Test func `a name announced twice is settled when both are withdrawn`() {
        var pending = PendingWrites(lazyMax: 10)
        let isAnnounced = pending.announce(["a", "a"])
        #expect(isAnnounced)
        pending.withdraw(["a"])
        #expect(!pending.isSettled("a"))
        pending.withdraw(["a"])
        #expect(pending.isSettled("a"))
    }

    @Test func `once closed it takes nothing more, but writes what it has`() {
        var pending = PendingWrites(lazyMax: 10)
        _ = pending.addLazily("a", hasContent: false)
        let wasOpen = pending.close()
        #expect(wasOpen)
        let isOpen = pending.close()
        #expect(!isOpen)
        let isAnnounced = pending.announce(["b"])
        #expect(!isAnnounced)
        #expect(!pending.isSettled("b"))
        expectNext(&pending, ["a": false])
    }
}

private func expectNothing(_ pending: inout PendingWrites) {
    let names = pending.nextBatch()?.names
    #expect(names == nil)
}

private func expectNext(_ pending: inout PendingWrites, _ expected: [String: Bool]) {
    let names = pending.nextBatch()?.names
    #expect(names == expected)
}
