// Who is opened next, in virtual time: fairness, bounds, nothing lost.

import PeerIdentity
import TestSupport
import Testing

@testable import Chat

@Suite struct OpeningScheduleTests {
    private static func address(_ number: Int) -> AddressBlock {
        AddressBlock(remoteAddress: "10.0.\(number / 256).\(number % 256):5000")
    }

    private func lane(_ address: Int, peer: UInt8? = nil) throws -> OpeningLane {
        let key = try peer.map { try #require(PeerKey([UInt8](repeating: $0, count: 32))) }
        return OpeningLane(address: Self.address(address), member: key.map(OpeningLane.Member.peer) ?? .strangers)
    }

    private var limits: OpeningLimits { OpeningLimits() }

    @Test func `one lane never has all places`() throws {
        var schedule = OpeningSchedule(limits: limits)
        let flooder = try lane(1)
        #expect(schedule.enter(1, in: flooder) == .runs)
        #expect(schedule.enter(2, in: flooder) == .waits)
        #expect(schedule.enter(3, in: try lane(2)) == .runs)
        #expect(schedule.enter(4, in: try lane(3)) == .waits)
        #expect(schedule.running == 2)
        #expect(schedule.leave(try lane(2)) == [4])
        #expect(schedule.leave(flooder) == [2])
    }

    @Test func `with one place a lane may have it`() throws {
        var limits = limits
        limits.runningMax = 1
        var schedule = OpeningSchedule(limits: limits)
        #expect(schedule.enter(1, in: try lane(1)) == .runs)
        #expect(schedule.enter(2, in: try lane(1)) == .waits)
        #expect(schedule.leave(try lane(1)) == [2])
    }

    @Test func `turns go round over addresses, then over the lanes of each`() throws {
        var limits = limits
        limits.runningMax = 1
        var schedule = OpeningSchedule(limits: limits)
        let lanes = [try lane(1, peer: 1), try lane(1, peer: 2), try lane(2)]
        #expect(schedule.enter(0, in: try lane(9)) == .runs)
        for ticket in 1...9 { #expect(schedule.enter(UInt64(ticket), in: lanes[(ticket - 1) / 3]) == .waits) }
        var order: [UInt64] = []
        var running = try lane(9)
        while let ticket = schedule.leave(running).first {
            order.append(ticket)
            running = lanes[Int(ticket - 1) / 3]
        }
        #expect(order == [1, 7, 4, 8, 2, 9, 5, 3, 6])
        #expect(schedule.running == 0 && schedule.waiting == 0 && schedule.laneCount == 0)
    }

    @Test func `a lane takes so many, and one more is refused`() throws {
        var schedule = OpeningSchedule(limits: limits)
        let flooder = try lane(1)
        #expect(schedule.enter(0, in: flooder) == .runs)
        for ticket in 1...32 { #expect(schedule.enter(UInt64(ticket), in: flooder) == .waits) }
        #expect(schedule.enter(33, in: flooder) == .isRefused)
        #expect(schedule.abandon(7, in: flooder) == true)
        #expect(schedule.abandon(7, in: flooder) == false)
        #expect(schedule.enter(34, in: flooder) == .waits)
    }

    @Test func `an address takes so many, however many peers it shows`() throws {
        var schedule = OpeningSchedule(limits: limits)
        var answers: [OpeningSchedule.Admission] = []
        for ticket in 0..<200 { answers.append(schedule.enter(UInt64(ticket), in: try lane(1, peer: UInt8(ticket)))) }
        #expect(answers.filter { $0 == .runs }.count == 2)
        #expect(answers.filter { $0 == .waits }.count == 128)
        #expect(answers.filter { $0 == .isRefused }.count == 70)
        #expect(schedule.enter(999, in: try lane(2)) == .waits)
    }

    @Test func `when all is full, a newcomer takes the place of the last of whoever has most waiting`() throws {
        var limits = limits
        limits.waitingMax = 10
        var schedule = OpeningSchedule(limits: limits)
        for ticket in 0..<2 { _ = schedule.enter(UInt64(ticket), in: try lane(ticket)) }
        for ticket in 10..<17 { #expect(schedule.enter(UInt64(ticket), in: try lane(1)) == .waits) }
        for ticket in 20..<23 { #expect(schedule.enter(UInt64(ticket), in: try lane(2)) == .waits) }
        #expect(schedule.enter(30, in: try lane(3)) == .displaces(16))
        #expect(schedule.enter(31, in: try lane(1)) == .isRefused)
        #expect(schedule.waiting == 10)
    }

    /// Microseconds, 0.4 ms an opening; a flooder that always has as much waiting as it may.
    @Test(arguments: [1, 2, 4]) func `while one floods, another waits for two openings at most`(_ places: Int) throws {
        var limits = limits
        limits.runningMax = places
        var schedule = OpeningSchedule(limits: limits)
        var random = SeededGenerator(seed: 0xF10D)
        let (flooder, other) = (try lane(1, peer: 1), try lane(1, peer: 2))
        var running: [(ticket: UInt64, endsAt: Int)] = []
        var lanes: [UInt64: OpeningLane] = [:]
        var enteredAt: [UInt64: Int] = [:]
        var waits: [Int] = []
        var ticket: UInt64 = 0
        let cost = 400
        func start(_ started: UInt64, at now: Int) {
            running.append((started, now + cost))
            if let at = enteredAt.removeValue(forKey: started) { waits.append(now - at) }
        }
        func enter(_ lane: OpeningLane, at now: Int) {
            ticket += 1
            lanes[ticket] = lane
            if lane == other { enteredAt[ticket] = now }
            switch schedule.enter(ticket, in: lane) {
            case .runs: start(ticket, at: now)
            case .waits: break
            case .displaces, .isRefused: #expect(lane == flooder)
            }
        }
        var nextMessage = 0
        for now in 0..<300_000 {
            for ended in running where ended.endsAt == now {
                for started in schedule.leave(try #require(lanes[ended.ticket])) { start(started, at: now) }
            }
            running.removeAll { $0.endsAt == now }
            if now % 50 == 0 { enter(flooder, at: now) }
            if now == nextMessage {
                enter(other, at: now)
                nextMessage += Int.random(in: 2_000...20_000, using: &random)
            }
        }
        #expect(waits.count > 15)
        #expect(waits.max() ?? 0 <= (places == 1 ? 2 * cost : 0), "seed \(random.seed)")
    }

    @Test func `nothing is lost or run twice, whatever happens`() throws {
        var random = SeededGenerator(seed: 0x5C4E)
        var limits = limits
        (limits.waitingPerLaneMax, limits.waitingPerAddressMax, limits.waitingMax) = (3, 5, 9)
        var schedule = OpeningSchedule(limits: limits)
        var waiting: [UInt64: OpeningLane] = [:]
        var running: [UInt64: OpeningLane] = [:]
        for ticket in 0..<20_000 as Range<UInt64> {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1, 2:
                let peer = UInt8.random(in: 0...2, using: &random)
                let lane = try lane(.random(in: 0..<4, using: &random), peer: peer == 0 ? nil : peer)
                switch schedule.enter(ticket, in: lane) {
                case .runs: running[ticket] = lane
                case .waits: waiting[ticket] = lane
                case .displaces(let other):
                    #expect(waiting.removeValue(forKey: other) != nil)
                    waiting[ticket] = lane
                case .isRefused: break
                }
            case 3:
                guard let (done, lane) = running.randomElement(using: &random) else { break }
                running[done] = nil
                for started in schedule.leave(lane) { running[started] = waiting.removeValue(forKey: started) }
            default:
                guard let (gone, lane) = waiting.randomElement(using: &random) else { break }
                waiting[gone] = nil
                #expect(schedule.abandon(gone, in: lane) == true)
            }
            #expect(schedule.running == running.count && schedule.waiting == waiting.count, "seed \(random.seed)")
            #expect(running.count <= 2 && waiting.count <= 9)
        }
        while let (done, lane) = running.first {
            running[done] = nil
            for started in schedule.leave(lane) { running[started] = waiting.removeValue(forKey: started) }
        }
        #expect(waiting.isEmpty && schedule.laneCount == 0)
    }
}
