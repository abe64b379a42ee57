// A store that keeps everything in memory: the default, and the image from which other stores read.

import HTTP
package import PeerIdentity
import Synchronization

/// Keeps entries and events in memory; all is gone with the process.
///
/// Nothing here blocks or waits but ``waitForEvents(after:)``. A store that writes elsewhere first can keep one as its
/// image: it applies to it what has been made durable, and reads from it.
package final class MemoryPeerStore: PeerStore {
    fileprivate struct State {
        var table: PeerTable
        var events: EventRing
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    fileprivate struct Waiter {
        let revision: UInt64
        let continuation: CheckedContinuation<UInt64, Never>
    }

    private let kept: [UInt8]
    private let state: Mutex<State>

    /// A store with these entries.
    ///
    /// - Parameters:
    ///   - secret: 32 octets at random, from which lease keys are derived.
    ///   - entries: What is held from before, with their revisions.
    ///   - lastRevision: The revision of the last change so far. A store that forgets may begin at the time of its
    ///     start, in microseconds: then watchers of an earlier life are told that they missed something.
    ///   - eventsMax: Events held, at least 1; 262,144 of them take about 20 MiB.
    package init(
        secret: [UInt8],
        entries: [PeerEntry] = [],
        lastRevision: UInt64 = 0,
        eventsMax: Int = 262_144
    ) {
        kept = secret
        var table = PeerTable(lastRevision: lastRevision)
        for entry in entries {
            if let packed = PackedEntry(entry) { table.load(packed) }
        }
        let events = EventRing(eventsMax: eventsMax, base: table.lastRevision)
        state = Mutex(State(table: table, events: events))
    }

    // MARK: At once

    /// Names held or present.
    package var count: Int { state.withLock { $0.table.count } }

    /// About how many octets of memory the entries take.
    package var heldBytes: Int { state.withLock { $0.table.contentBytes + $0.table.count * PeerTable.entryBytes } }

    /// The revision of the last change.
    package var lastRevision: UInt64 { state.withLock { $0.table.lastRevision } }

    /// The entry of a folded name.
    package func packedEntry(_ name: Span<UInt8>) -> PackedEntry? {
        state.withLock { $0.table.entry(name) }
    }

    /// Present entries in order of folded name after `name`, at most so many.
    package func packedPresent(after name: [UInt8], limit: Int) -> [PackedEntry] {
        state.withLock { $0.table.present(after: name, limit: limit) }
    }

    /// The revision of a folded name's entry; 0: there is none.
    package func revision(of name: String) -> UInt64 {
        packedEntry(Array(name.utf8).span)?.revision ?? 0
    }

    /// As ``entries(_:)``, without waiting.
    package func entriesNow(_ selection: PeerSelection) -> [PeerEntry] {
        let packed: [PackedEntry]
        switch selection {
        case .names(let names):
            let octets = names.map { Array($0.utf8) }
            packed = state.withLock { state in octets.compactMap { state.table.entry($0.span) } }
        case .presentAfter(let name, let limit):
            let octets = name.map { Array($0.utf8) }
            packed = state.withLock { $0.table.present(after: octets, limit: limit) }
        case .due(let time, let limit):
            packed = state.withLock { $0.table.due(before: time, limit: limit) }
        }
        return packed.compactMap(\.entry)
    }

    /// As ``apply(_:)``, without waiting.
    package func applyNow(_ changes: [PeerChange]) -> [UInt64?] {
        // An entry too long to be packed is no valid one; nil in the outer place marks it, and it is not made.
        let prepared = changes.map { change in
            (change, name: Array(change.name.utf8), packed: change.entry.map { PackedEntry($0) })
        }
        let (revisions, woken, newest) = state.withLock { state in
            let revisions = prepared.map { change, name, packed -> UInt64? in
                if case .some(.none) = packed { return nil }
                return state.make(change, name: name, packed: packed ?? nil)
            }
            return (revisions, state.takeWaiters(), state.table.lastRevision)
        }
        for waiter in woken { waiter.resume(returning: newest) }
        return revisions
    }

    /// Makes one change whose entry is packed already; nil: a conflict.
    package func applyNow(
        _ packed: PackedEntry,
        identifier: PeerIdentifier,
        expected: UInt64,
        kind: PeerEvent.Kind
    ) -> UInt64? {
        let change = PeerChange(entry: nil, name: "", expected: expected, kind: kind)
        let name = Array(packed.content.octets[packed.content.name])
        let (revision, woken) = state.withLock { state in
            let revision = state.make(change, name: name, packed: packed, identifier: identifier)
            return (revision, state.takeWaiters())
        }
        for waiter in woken { waiter.resume(returning: revision ?? 0) }
        return revision
    }

    /// As ``events(since:limit:)``, without waiting.
    package func eventsNow(since: UInt64, limit: Int) -> PeerEventPage {
        state.withLock { $0.events.events(since: since, limit: limit) }
    }

    // MARK: PeerStore

    package var image: PeerImage? {
        PeerImage(of: self) { self.applyNow($0, identifier: $1, expected: $2, kind: .renew) != nil }
    }

    package func secret() async throws -> [UInt8] { kept }

    package func entries(_ selection: PeerSelection) async throws -> [PeerEntry] { entriesNow(selection) }

    package func apply(_ changes: [PeerChange]) async throws -> [UInt64?] { applyNow(changes) }

    package func events(since: UInt64, limit: Int) async throws -> PeerEventPage {
        eventsNow(since: since, limit: limit)
    }

    package func waitForEvents(after revision: UInt64) async throws -> UInt64 {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let newest: UInt64? = state.withLock { state in
                    guard state.table.lastRevision <= revision, !Task.isCancelled else {
                        return state.table.lastRevision
                    }
                    state.waiters[number] = Waiter(revision: revision, continuation: continuation)
                    return nil
                }
                if let newest { continuation.resume(returning: newest) }
            }
        } onCancel: {
            let (waiter, newest) = state.withLock { ($0.waiters.removeValue(forKey: number), $0.table.lastRevision) }
            waiter?.continuation.resume(returning: newest)
        }
    }
}

extension MemoryPeerStore {
    /// Puts entries in as they were kept, before the store is in use: nobody is told.
    package func load(_ entries: some Sequence<PackedEntry>) {
        state.withLock { state in
            for entry in entries { state.table.load(entry) }
        }
    }

    /// Takes the events of an earlier life, before the store is in use.
    ///
    /// - Parameters:
    ///   - events: In order; none after the last revision given at the beginning.
    ///   - base: Up to this revision there may be others, which are not held.
    ///   - eventsMax: Events held, at least 1.
    package func load(events: some Sequence<PeerEvent>, after base: UInt64, eventsMax: Int) {
        state.withLock { state in
            state.events = EventRing(eventsMax: eventsMax, base: base)
            for event in events { state.events.append(event) }
        }
    }
}

extension MemoryPeerStore.State {
    fileprivate mutating func make(
        _ change: PeerChange,
        name: [UInt8],
        packed: PackedEntry?,
        identifier: PeerIdentifier? = nil
    ) -> UInt64? {
        // Watchers of a name that becomes free are told what it was.
        let old = change.kind != nil && packed == nil ? table.entry(name.span)?.entry : nil
        let isTold = change.kind != nil && (packed != nil || old != nil)
        let revision = table.apply(name: name, expected: change.expected, entry: packed, isTold: isTold)
        guard let revision, isTold, let kind = change.kind,
            let who = identifier ?? change.entry?.identifier ?? old?.identifier
        else { return revision }
        let until = packed?.presentUntil ?? old?.presentUntil ?? .earliest
        events.append(PeerEvent(revision: revision, kind: kind, identifier: who, presentUntil: until))
        return revision
    }

    /// Those whose wait is over.
    fileprivate mutating func takeWaiters() -> [CheckedContinuation<UInt64, Never>] {
        guard !waiters.isEmpty else { return [] }
        let newest = table.lastRevision
        let over = waiters.filter { $0.value.revision < newest }
        for number in over.keys { waiters[number] = nil }
        return over.values.map(\.continuation)
    }
}
