// The request body's queue in every order of its events, without threads: waiters are numbers.

import Testing

@testable import HTTPClient

@Suite struct UploadStateMachineTests {
    private typealias Machine = UploadStateMachine<Int>

    @Test func `octets come out as they went in, in pieces of the size asked for`() {
        var machine = Machine(queueBytesMax: 100)
        #expect(machine.put([1, 2, 3]) == false)
        #expect(machine.put([4]) == false)
        #expect(machine.take(atMost: 2).taken == .octets([1, 2]))
        #expect(machine.take(atMost: 2).taken == .octets([3]))
        #expect(machine.take(atMost: 2).taken == .octets([4]))
        #expect(machine.take(atMost: 2).taken == .later)
    }

    @Test func `a loop that found nothing is woken by the next octets, once`() {
        var machine = Machine(queueBytesMax: 100)
        #expect(machine.take(atMost: 1).taken == .later)
        #expect(machine.put([1]) == true)
        #expect(machine.put([2]) == false)
    }

    @Test(arguments: [Machine.End.complete, .failed])
    private func `a loop that found nothing is woken by the end, which comes after the octets`(end: Machine.End) {
        var machine = Machine(queueBytesMax: 100)
        #expect(machine.take(atMost: 1).taken == .later)
        #expect(machine.finish(end) == true)
        #expect(machine.take(atMost: 1).taken == (end == .complete ? .end : .failed))
        var other = Machine(queueBytesMax: 100)
        _ = other.put([1])
        _ = other.finish(end)
        #expect(other.take(atMost: 1).taken == .octets([1]))
        #expect(other.take(atMost: 1).taken == (end == .complete ? .end : .failed))
    }

    @Test(arguments: [(3, true), (4, false)])
    func `a full queue makes the task wait until there is room`(count: Int, hasRoom: Bool) {
        var machine = Machine(queueBytesMax: 4)
        _ = machine.put(ArraySlice(repeating: 0, count: count))
        #expect(machine.awaitRoom(9) == (hasRoom ? true : nil))
        #expect(machine.take(atMost: 1).waiter == (hasRoom ? nil : 9))
        #expect(machine.take(atMost: 1).waiter == nil)
    }

    @Test func `the end of the transfer frees the task and cancels a source that has not ended`() {
        var machine = Machine(queueBytesMax: 1)
        _ = machine.put([1])
        #expect(machine.awaitRoom(5) == nil)
        let (waiter, cancelsSource) = machine.close()
        #expect(waiter == 5)
        #expect(cancelsSource)
        #expect(machine.awaitRoom(6) == false)
        #expect(machine.put([2]) == false)
        #expect(!machine.close().cancelsSource)
        var ended = Machine(queueBytesMax: 1)
        _ = ended.finish(.complete)
        #expect(!ended.close().cancelsSource)
    }
}
