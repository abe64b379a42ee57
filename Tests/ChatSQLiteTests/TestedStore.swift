// The stores that every test of the seam runs over, and how each is killed.

import Chat
import ChatSQLite
import Foundation
import PeerIdentity
import Synchronization
import TestSupport
import Testing

/// An implementation of ``ChatStore``.
enum StoreKind: String, CaseIterable, CustomStringConvertible {
    case memory, sqlite, sqliteWithoutHistory

    var description: String { rawValue }
}

typealias AnyChatStore = ChatStore & UnshownMessages

/// One store with what it needs; ``kill()`` leaves what a killed process would leave.
final class TestedStore {
    private(set) var store: any AnyChatStore
    private let kind: StoreKind
    private let directory: TemporaryDirectory
    private let limits: ChatStoreLimits
    private let streams: Streams
    private var generation = 0

    /// Stream names in order: distinct, and the same in each run.
    final class Streams: Sendable {
        private let last = Atomic<UInt64>(0)
        private let seed: UInt64

        init(_ seed: UInt64) { self.seed = seed }

        func next() -> StreamID {
            StreamID(high: seed &* 0x9e37_79b9_7f4a_7c15, low: last.add(1, ordering: .relaxed).newValue)
        }
    }

    init(_ kind: StoreKind, seed: UInt64 = 0, limits: ChatStoreLimits = ChatStoreLimits()) throws {
        (self.kind, self.limits, streams) = (kind, limits, Streams(seed))
        directory = try TemporaryDirectory()
        store = MemoryChatStore(limits: limits, randomStream: streams.next)
        if kind != .memory { store = try open() }
    }

    var path: String { directory.file("chat-\(generation).sqlite") }

    /// Opens what the process would leave if it were killed now.
    func kill() throws {
        guard let old = store as? SQLiteChatStore else { return }
        let from = path
        generation += 1
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: from + suffix, toPath: path + suffix)
        }
        try old.close()
        store = try open()
    }

    private func open() throws -> SQLiteChatStore {
        try SQLiteChatStore(
            path: path,
            history: kind == .sqlite ? .kept : .none,
            limits: limits,
            randomStream: streams.next
        )
    }
}

func peer(_ name: String) throws -> PeerIdentifier { try PeerIdentifier(name) }

func key(_ number: Int) throws -> PeerKey {
    var octets = [UInt8](repeating: 7, count: 32)
    for index in 0..<4 { octets[28 + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
    return try #require(PeerKey(octets))
}

func messages(_ numbers: ClosedRange<UInt64>) -> [ChatMessage] {
    numbers.map { ChatMessage(sequence: $0, sentAtMilliseconds: 1000 &+ $0, text: "text \($0)") }
}
