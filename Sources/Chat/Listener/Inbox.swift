// Stores what came, many bodies in one transaction, and tells who is interested once it is stored.

import HTTP
package import PeerIdentity
import Synchronization

/// What is to be stored and shown.
enum InboxItem: Sendable {
    /// A verified body, and under which name it is shown.
    case sealed(IncomingBody, from: SenderName)
    /// A plain text, and who says that it is from them.
    case plain(text: String, name: String, address: AddressBlock)

    fileprivate var source: InboxSource {
        switch self {
        case .sealed(let body, _): .peer(body.sender)
        case .plain(_, _, let address): .address(address)
        }
    }

    fileprivate var isSealed: Bool { if case .sealed = self { true } else { false } }

    fileprivate var messageCount: Int {
        switch self {
        case .sealed(let body, _): body.messages.count
        case .plain: 1
        }
    }
}

/// Messages of one stream that the sink was told of.
package struct ShownMessages: Sendable, Hashable {
    package var sender: PeerKey
    package var stream: StreamID
    /// The highest number of them.
    package var upTo: UInt64
}

/// Whose items share a queue.
enum InboxSource: Sendable, Hashable {
    case peer(PeerKey)
    case address(AddressBlock)
}

/// Why an item is not known to be stored.
enum InboxError: Error, Sendable, Hashable {
    /// Too many wait already.
    case full
    /// The store failed, or the inbox has stopped.
    case notStored
    /// The task was cancelled; it may be stored all the same.
    case cancelled
}

/// Takes items from many tasks and stores them in groups: while one transaction runs, the next gathers.
final class Inbox: Sendable {
    fileprivate typealias Waiter = CheckedContinuation<Result<UInt64, InboxError>, Never>

    fileprivate struct Entry: Sendable {
        let id: UInt64
        let item: InboxItem
    }

    fileprivate struct State {
        var queue: InboxQueue<InboxSource, Entry>
        var waiters: [UInt64: Waiter] = [:]
        var lastID: UInt64 = 0
        var isStopped = false
        /// ``run()``, while there is nothing to store.
        var runner: CheckedContinuation<Void, Never>?
    }

    private let store: any ChatStore
    private let now: @Sendable () -> Timestamp
    private let sink: @Sendable (ChatEvent) async -> Void
    private let shown: @Sendable ([ShownMessages]) async -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - store: Where to.
    ///   - limits: What bounds the queue and each transaction.
    ///   - now: The present.
    ///   - sink: Told what was stored, in the order of each stream; what it waits for, the next transaction waits for.
    ///   - shown: Told, after the sink was told of all, which messages those were.
    init(
        store: any ChatStore,
        limits: InboxLimits,
        now: @escaping @Sendable () -> Timestamp,
        sink: @escaping @Sendable (ChatEvent) async -> Void,
        shown: @escaping @Sendable ([ShownMessages]) async -> Void = { _ in }
    ) {
        (self.store, self.now, self.sink, self.shown) = (store, now, sink, shown)
        state = Mutex(State(queue: InboxQueue(limits: limits)))
    }

    /// How many items wait for a transaction.
    var waitingCount: Int { state.withLock { $0.queue.count } }

    /// Waits until `item` is stored.
    ///
    /// - Parameter item: What is to be stored.
    /// - Returns: The highest number of its stream that is stored; 0 for a plain text.
    /// - Throws: ``InboxError``.
    func deliver(_ item: InboxItem) async throws(InboxError) -> UInt64 {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (result, runner) = state.withLock { state in
                    state.add(Entry(id: id, item: item), continuation, isCancelled: Task.isCancelled)
                }
                if let result { continuation.resume(returning: result) }
                runner?.resume()
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: .failure(.cancelled))
        }
        return try result.get()
    }

    /// Stores what comes until the task is cancelled; what then waits is refused.
    ///
    /// To be run once.
    func run() async {
        while let batch = await nextBatch() { await store(batch) }
    }

    /// The next entries to store together; nil at the end.
    private func nextBatch() async -> [Entry]? {
        while !Task.isCancelled {
            let batch = state.withLock { $0.queue.takeBatch() }
            if !batch.isEmpty { return batch }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if Task.isCancelled || state.queue.count > 0 { return true }
                        state.runner = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.runner.take() }?.resume()
            }
        }
        let waiters = state.withLock { state in
            state.isStopped = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: .failure(.notStored)) }
        return nil
    }

    /// Sealed bodies in one transaction, plain texts in another: the one failing does not undo the other.
    private func store(_ batch: [Entry]) async {
        let milliseconds = UInt64(max(0, now().nanoseconds / 1_000_000))
        await storeSealed(batch.filter { $0.item.isSealed }, atMilliseconds: milliseconds)
        await storePlain(batch.filter { !$0.item.isSealed }, atMilliseconds: milliseconds)
    }

    private func storeSealed(_ entries: [Entry], atMilliseconds: UInt64) async {
        guard !entries.isEmpty else { return }
        let bodies = entries.compactMap { entry in
            if case .sealed(let body, _) = entry.item { body } else { nil as IncomingBody? }
        }
        do {
            let stored = try await store.receive(bodies, atMilliseconds: atMilliseconds)
            guard stored.count == entries.count else {
                throw ChatError(.storeFailed, "the store answered for \(stored.count) of \(bodies.count) bodies")
            }
            for (entry, body) in zip(entries, stored) { settle(entry, .success(body.highest)) }
            for (entry, body) in zip(entries, stored) {
                for event in Inbox.events(of: entry.item, stored: body, atMilliseconds: atMilliseconds) {
                    await sink(event)
                }
            }
            let new = zip(bodies, stored).compactMap { body, stored in
                stored.new.last.map { ShownMessages(sender: body.sender, stream: body.stream, upTo: $0.sequence) }
            }
            if !new.isEmpty { await shown(new) }
        } catch {
            // One body that the store refuses must not take others with it.
            guard entries.count > 1 else { return settle(entries[0], .failure(.notStored)) }
            for entry in entries { await storeSealed([entry], atMilliseconds: atMilliseconds) }
        }
    }

    private func storePlain(_ entries: [Entry], atMilliseconds: UInt64) async {
        guard !entries.isEmpty else { return }
        let lines = entries.compactMap { entry in
            if case .plain(let text, let name, _) = entry.item {
                HistoryLine(isOutgoing: false, peer: name, atMilliseconds: atMilliseconds, text: text, isSealed: false)
            } else {
                nil as HistoryLine?
            }
        }
        do {
            _ = try await store.history(limit: 0, adding: lines)
            for entry in entries { settle(entry, .success(0)) }
            for entry in entries {
                for event in Inbox.events(of: entry.item, stored: nil, atMilliseconds: atMilliseconds) {
                    await sink(event)
                }
            }
        } catch {
            for entry in entries { settle(entry, .failure(.notStored)) }
        }
    }

    private func settle(_ entry: Entry, _ result: Result<UInt64, InboxError>) {
        state.withLock { $0.waiters.removeValue(forKey: entry.id) }?.resume(returning: result)
    }

    private static func events(of item: InboxItem, stored: StoredBody?, atMilliseconds: UInt64) -> [ChatEvent] {
        switch item {
        case .plain(let text, let name, _):
            return [
                .received(
                    ReceivedMessage(
                        from: VisibleText.word(name),
                        isChecked: false,
                        isSealed: false,
                        text: text,
                        sentAtMilliseconds: atMilliseconds
                    )
                )
            ]
        case .sealed(_, let sender):
            guard let stored else { return [] }
            let gap: [ChatEvent] =
                stored.missing > 0 ? [.missing(from: VisibleText.word(sender.shown), count: stored.missing)] : []
            return gap
                + stored.new.map { message in
                    .received(
                        ReceivedMessage(
                            from: VisibleText.word(sender.name),
                            isChecked: sender.isChecked,
                            isSealed: true,
                            text: message.text,
                            sentAtMilliseconds: message.sentAtMilliseconds
                        )
                    )
                }
        }
    }
}

extension Inbox.State {
    /// Queues an entry; the result is nil if it waits, and the runner is to be resumed.
    fileprivate mutating func add(
        _ entry: Inbox.Entry,
        _ waiter: Inbox.Waiter,
        isCancelled: Bool
    ) -> (Result<UInt64, InboxError>?, runner: CheckedContinuation<Void, Never>?) {
        guard !isCancelled else { return (.failure(.cancelled), nil) }
        guard !isStopped else { return (.failure(.notStored), nil) }
        guard queue.add(entry, of: entry.item.source, messages: entry.item.messageCount) else {
            return (.failure(.full), nil)
        }
        waiters[entry.id] = waiter
        return (nil, runner.take())
    }
}
