// Whose body is opened next: a fair turn for every address, and within it for every peer, whoever shouts loudest.

import PeerIdentity

/// What a body waits in before it is opened.
struct OpeningLane: Sendable, Hashable {
    /// Who shares a lane.
    enum Member: Sendable, Hashable {
        /// Connections over which nothing verified came yet: one lane for all of an address.
        case strangers
        /// Connections over which this key delivered a verified body.
        case peer(PeerKey)
    }

    /// Lanes of one address share its turn.
    var address: AddressBlock
    var member: Member
}

/// What bounds the opening of bodies.
package struct OpeningLimits: Sendable, Hashable {
    /// Bodies opened at once: the number of CPUs.
    package var runningMax = 2
    /// Bodies that wait in one lane.
    package var waitingPerLaneMax = 32
    /// Bodies that wait in all lanes of an address.
    package var waitingPerAddressMax = 128
    /// Bodies that wait in all.
    package var waitingMax = 512

    package init() {}

    /// Bodies of one lane opened at once: one less than all, so that no lane has them all.
    var runningPerLaneMax: Int { max(1, runningMax - 1) }
}

/// Decides which bodies are opened now; a pure state machine that knows tickets only.
///
/// Turns go round: over the addresses that have something waiting, and at each over its lanes. So a peer that floods
/// delays another by the bodies that are being opened, one of its own, and one of each other lane: never by its queue.
struct OpeningSchedule: Sendable {
    typealias Ticket = UInt64

    /// What becomes of a body that asks.
    enum Admission: Sendable, Hashable {
        case runs
        case waits
        /// It waits; another, the last of the address with most waiting, is refused for it.
        case displaces(Ticket)
        case isRefused
    }

    private struct Lane: Sendable {
        var waiting: [Ticket] = []
        var running = 0
    }

    private struct Address: Sendable {
        /// Lanes with something waiting, the next one first.
        var turns: [OpeningLane] = []
        var waiting = 0
    }

    private let limits: OpeningLimits
    private var lanes: [OpeningLane: Lane] = [:]
    private var addresses: [AddressBlock: Address] = [:]
    /// Addresses with something waiting, the next one first.
    private var turns: [AddressBlock] = []
    private(set) var running = 0
    private(set) var waiting = 0

    init(limits: OpeningLimits) {
        self.limits = limits
    }

    /// How many lanes are remembered: those with something running or waiting.
    var laneCount: Int { lanes.count }

    /// A body of `lane` asks to be opened.
    mutating func enter(_ ticket: Ticket, in lane: OpeningLane) -> Admission {
        let state = lanes[lane] ?? Lane()
        if state.waiting.isEmpty, running < limits.runningMax, state.running < limits.runningPerLaneMax {
            running += 1
            lanes[lane, default: Lane()].running += 1
            return .runs
        }
        let ofAddress = addresses[lane.address]?.waiting ?? 0
        guard state.waiting.count < limits.waitingPerLaneMax, ofAddress < limits.waitingPerAddressMax else {
            return .isRefused
        }
        var displaced: Ticket?
        if waiting >= limits.waitingMax {
            displaced = displace(unlessBelow: ofAddress + 1)
            guard displaced != nil else { return .isRefused }
        }
        wait(ticket, in: lane)
        return displaced.map(Admission.displaces) ?? .waits
    }

    /// A body of `lane` has been opened.
    ///
    /// - Returns: Those to be opened now.
    mutating func leave(_ lane: OpeningLane) -> [Ticket] {
        running -= 1
        lanes[lane]?.running -= 1
        forgetIfIdle(lane)
        var started: [Ticket] = []
        while running < limits.runningMax, let ticket = next() { started.append(ticket) }
        return started
    }

    /// Nobody waits for the opening of that body any more.
    ///
    /// - Returns: Whether it was waiting; if not, it runs and will ``leave(_:)``.
    mutating func abandon(_ ticket: Ticket, in lane: OpeningLane) -> Bool {
        guard let index = lanes[lane]?.waiting.firstIndex(of: ticket) else { return false }
        lanes[lane]?.waiting.remove(at: index)
        removed(from: lane)
        return true
    }

    private mutating func wait(_ ticket: Ticket, in lane: OpeningLane) {
        var address = addresses[lane.address] ?? Address()
        if address.waiting == 0 { turns.append(lane.address) }
        if lanes[lane, default: Lane()].waiting.isEmpty { address.turns.append(lane) }
        lanes[lane, default: Lane()].waiting.append(ticket)
        address.waiting += 1
        addresses[lane.address] = address
        waiting += 1
    }

    /// Takes the next body whose lane may run one more, and puts its lane and address at the end of their rounds.
    private mutating func next() -> Ticket? {
        for address in turns {
            guard let lane = addresses[address]?.turns.first(where: { mayRun($0) }),
                let ticket = lanes[lane]?.waiting.first
            else { continue }
            lanes[lane]?.waiting.removeFirst()
            lanes[lane]?.running += 1
            running += 1
            moveToEnd(lane)
            removed(from: lane)
            return ticket
        }
        return nil
    }

    private func mayRun(_ lane: OpeningLane) -> Bool {
        lanes[lane].map { $0.running < limits.runningPerLaneMax } ?? false
    }

    private mutating func moveToEnd(_ lane: OpeningLane) {
        if let index = turns.firstIndex(of: lane.address) { turns.append(turns.remove(at: index)) }
        guard let index = addresses[lane.address]?.turns.firstIndex(of: lane) else { return }
        addresses[lane.address]?.turns.remove(at: index)
        addresses[lane.address]?.turns.append(lane)
    }

    /// Takes the last body of the longest lane of the address with most waiting, if that has more than `count`.
    private mutating func displace(unlessBelow count: Int) -> Ticket? {
        guard let longest = addresses.max(by: { $0.value.waiting < $1.value.waiting }), longest.value.waiting > count,
            let lane = longest.value.turns.max(by: { waitingCount($0) < waitingCount($1) })
        else { return nil }
        guard let ticket = lanes[lane]?.waiting.popLast() else { return nil }
        removed(from: lane)
        return ticket
    }

    private func waitingCount(_ lane: OpeningLane) -> Int { lanes[lane]?.waiting.count ?? 0 }

    /// Counts one waiting body less, and takes what has none left out of the rounds.
    private mutating func removed(from lane: OpeningLane) {
        waiting -= 1
        if waitingCount(lane) == 0 { addresses[lane.address]?.turns.removeAll { $0 == lane } }
        addresses[lane.address]?.waiting -= 1
        if addresses[lane.address]?.waiting == 0 {
            addresses[lane.address] = nil
            turns.removeAll { $0 == lane.address }
        }
        forgetIfIdle(lane)
    }

    private mutating func forgetIfIdle(_ lane: OpeningLane) {
        if let state = lanes[lane], state.running == 0, state.waiting.isEmpty { lanes[lane] = nil }
    }
}
