// Who may still ask for how much: connections, their keys, their addresses.

import HTTP
import PeerIdentity

/// What bounds one peer or address, per time.
package struct ListenerRates: Sendable, Hashable {
    /// Bodies opened for the connections of one address over which nothing verified came yet, per second; 200, and
    /// twice as many at once.
    package var strangerBodiesPerSecond: Double = 200
    /// Units of one key, per second; a body costs 3 and one for each message.
    ///
    /// 20,000, and twice as many at once: single messages then come at 5,000 a second, full bodies bring 19,000. That a
    /// body costs more than this to open is no matter here: ``OpeningSchedule`` has every peer take turns at that.
    package var keyUnitsPerSecond: Double = 20_000
    /// Plain texts of one address, per second; 50, and four times as many at once.
    package var plainTextsPerSecond: Double = 50
    /// Keys, addresses and connections that are remembered, each.
    package var entriesMax = 4_096
    /// Bodies of one key being worked on after they were verified.
    package var bodiesPerKeyMax = 64

    package init() {}
}

/// What the listener remembers of whom; a pure state machine.
struct ListenerBudget: Sendable {
    /// Whether something may go on.
    enum Answer: Sendable, Hashable {
        case allowed
        /// Try again after so many seconds.
        case refused(retryAfter: Int)
    }

    private static let bodyUnits = 3.0

    private let rates: ListenerRates
    private var keyOfConnection: RecentTable<UInt64, PeerKey>
    private var strangers: TokenBuckets<AddressBlock>
    private var keys: TokenBuckets<PeerKey>
    private var plain: TokenBuckets<AddressBlock>
    /// Verified bodies, by a hash of their octets, to tell a replay.
    private var seen: RecentTable<Int, Bool>
    private var working: [PeerKey: Int] = [:]

    init(rates: ListenerRates) {
        self.rates = rates
        keyOfConnection = RecentTable(entriesMax: rates.entriesMax)
        let stranger = rates.strangerBodiesPerSecond
        strangers = TokenBuckets(.init(perSecond: stranger, burst: stranger * 2), entriesMax: rates.entriesMax)
        let units = rates.keyUnitsPerSecond
        keys = TokenBuckets(.init(perSecond: units, burst: units * 2), entriesMax: rates.entriesMax)
        let texts = rates.plainTextsPerSecond
        plain = TokenBuckets(.init(perSecond: texts, burst: texts * 4), entriesMax: rates.entriesMax)
        seen = RecentTable(entriesMax: rates.entriesMax * 4)
    }

    /// Where a sealed body waits for its opening.
    mutating func lane(connection: UInt64?, address: AddressBlock) -> OpeningLane {
        let key = connection.flatMap { keyOfConnection[$0] }
        return OpeningLane(address: address, member: key.map(OpeningLane.Member.peer) ?? .strangers)
    }

    /// Before a body is opened: a stranger's address pays; a known key must have something left, and pays later.
    mutating func beforeOpening(_ lane: OpeningLane, at now: Timestamp) -> Answer {
        switch lane.member {
        case .strangers: ListenerBudget.answer(strangers.take(1, of: lane.address, at: now))
        case .peer(let key): ListenerBudget.answer(keys.shortage(of: ListenerBudget.bodyUnits + 1, for: key, at: now))
        }
    }

    /// A body did not open or was not signed as it says: its connection is a stranger's again.
    mutating func failed(connection: UInt64?) {
        if let connection { keyOfConnection[connection] = nil }
    }

    /// A body was verified: its key pays, and the connection gets the key's lane.
    ///
    /// A replay over another connection, which anyone can do who saw the body pass, does neither: else he could use up
    /// what the key may send.
    ///
    /// - Parameters:
    ///   - key: Who signed.
    ///   - messages: How many the body has.
    ///   - hash: Of the body's octets.
    ///   - connection: Over which it came.
    ///   - now: The present.
    /// - Returns: Whether the key could pay.
    mutating func verified(
        _ key: PeerKey,
        messages: Int,
        hash: Int,
        connection: UInt64?,
        at now: Timestamp
    ) -> Answer {
        let isKnown = connection.map { keyOfConnection[$0] == key } ?? false
        let isReplay = seen[hash] != nil
        seen[hash] = true
        if isReplay, !isKnown { return .allowed }
        if let connection { keyOfConnection[connection] = key }
        return ListenerBudget.answer(keys.take(ListenerBudget.bodyUnits + Double(messages), of: key, at: now))
    }

    /// A verified body of `key` is being looked up and stored, unless too many are already; then ``finished(_:)``.
    mutating func begins(_ key: PeerKey) -> Answer {
        let count = working[key] ?? 0
        guard count < rates.bodiesPerKeyMax else { return .refused(retryAfter: 1) }
        working[key] = count + 1
        return .allowed
    }

    /// A body of `key` is done with.
    mutating func finished(_ key: PeerKey) {
        let count = (working[key] ?? 0) - 1
        working[key] = count > 0 ? count : nil
    }

    /// A plain text came: its address pays.
    mutating func plainText(from address: AddressBlock, at now: Timestamp) -> Answer {
        ListenerBudget.answer(plain.take(1, of: address, at: now))
    }

    private static func answer(_ wait: Int?) -> Answer {
        wait.map { .refused(retryAfter: $0) } ?? .allowed
    }
}
