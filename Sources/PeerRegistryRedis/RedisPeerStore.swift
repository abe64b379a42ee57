// The registry's state in Redis, shared by many registries.

import HTTP
import PeerIdentity
package import PeerRegistry
import Synchronization

/// Keeps entries and events in one Redis (6.2 or later); all registries on it with the same prefix serve one population.
///
/// Each change is one step in Redis, so that of two registries which decide on the same revision one wins; an expiry that
/// both see is told once. Look-ups go to Redis too: nothing is remembered here, so nothing is stale. While Redis is away
/// everything fails at once with ``RedisStoreError/Code/away``, waits for events wait on, and the connections are made
/// again by themselves.
///
/// What Redis acknowledges is as durable as it is set up to be. For a registry that must not lose a registration:
/// `appendonly yes` with `appendfsync always` (with `everysec` a crash loses the last second), and
/// `maxmemory-policy noeviction`. A Redis that comes back with older data tells watchers that events are gone.
package final class RedisPeerStore: PeerStore {
    private let keys: RedisKeys
    private let address: RedisAddress
    private let configuration: RedisConfiguration
    private let kept: [UInt8]
    private let identifiers: [String: [UInt8]]
    /// For commands that are answered at once.
    private let commands: RedisLink
    /// For those that Redis holds back until there is an event.
    private let reading: RedisLink
    private let watch: Mutex<RedisEventWatch>

    /// Changes in one step, so that Redis is never busy for long.
    private static let changesMax = 128
    /// Names in one command.
    private static let namesMax = 512
    /// Entries that one script reads.
    private static let entriesMax = 1_000

    private init(
        address: RedisAddress,
        configuration: RedisConfiguration,
        commands: RedisLink,
        secret: [UInt8],
        identifiers: [String: [UInt8]],
        jitter: @escaping @Sendable () -> Double
    ) {
        (self.address, self.configuration, self.commands) = (address, configuration, commands)
        (kept, self.identifiers) = (secret, identifiers)
        keys = RedisKeys(prefix: configuration.prefix)
        reading = RedisLink(address: address, configuration: configuration, jitter: jitter)
        watch = Mutex(RedisEventWatch(waitersMax: configuration.waitersMax))
    }

    /// Connects, and makes what a new population needs.
    ///
    /// - Parameters:
    ///   - address: Where Redis is.
    ///   - configuration: Times and limits.
    ///   - newSecret: 32 octets at random: the secret, unless there is one already.
    ///   - jitter: Gives random numbers from 0 to 1, for the pauses between attempts to connect.
    /// - Returns: A store on which both connections are kept.
    /// - Throws: ``RedisStoreError`` if Redis cannot be reached or what is there is another version's.
    package static func open(
        _ address: RedisAddress,
        configuration: RedisConfiguration = RedisConfiguration(),
        newSecret: [UInt8],
        jitter: @escaping @Sendable () -> Double
    ) async throws -> RedisPeerStore {
        let link = RedisLink(address: address, configuration: configuration, jitter: jitter)
        do {
            let keys = RedisKeys(prefix: configuration.prefix)
            _ = try await link.send(RESPCommand([Array("SETNX".utf8), keys.format, RedisKeys.currentFormat]))
            let format = try await link.send(RESPCommand([Array("GET".utf8), keys.format]))
            guard format.octets == RedisKeys.currentFormat else {
                let found = String(decoding: format.octets ?? [], as: UTF8.self)
                let message =
                    "\(address) holds a registry's state in format \(found), and this registry knows format 1; "
                    + "use the version that wrote it, or another database (redis://HOST:PORT/1)"
                throw RedisStoreError(.foreign, message)
            }
            _ = try await link.send(RESPCommand([Array("SETNX".utf8), keys.secret, newSecret]))
            let secret = try await link.send(RESPCommand([Array("GET".utf8), keys.secret]))
            guard let octets = secret.octets, octets.count == 32 else {
                throw RedisStoreError(.foreign, "\(address): \(configuration.prefix)secret is not 32 octets")
            }
            var identifiers: [String: [UInt8]] = [:]
            for script in [RedisScript.apply, .range, .events] {
                let answer = try await link.send(RESPCommand("SCRIPT", "LOAD", script.source))
                identifiers[script.source] = answer.octets
            }
            return RedisPeerStore(
                address: address,
                configuration: configuration,
                commands: link,
                secret: octets,
                identifiers: identifiers,
                jitter: jitter
            )
        } catch {
            await link.close()
            throw error
        }
    }

    /// Closes both connections; whatever is under way or waits fails.
    package func close() async {
        let waiters = watch.withLock { $0.close() }
        for waiter in waiters { waiter.resume(throwing: RedisStoreError(.closed, "the store \(address) is closed")) }
        await commands.close()
        await reading.close()
    }

    package func secret() async throws -> [UInt8] { kept }

    package func entries(_ selection: PeerSelection) async throws -> [PeerEntry] {
        switch selection {
        case .names(let names):
            var entries: [PeerEntry] = []
            var rest = names[...]
            while !rest.isEmpty {
                let words = [Array("MGET".utf8)] + rest.prefix(Self.namesMax).map { keys.peer + Array($0.utf8) }
                rest = rest.dropFirst(Self.namesMax)
                entries += try self.entries(try await commands.send(RESPCommand(words)))
            }
            return entries
        case .presentAfter(let name, let limit): return try await present(after: name, limit: limit)
        case .due(let time, let limit):
            guard limit > 0 else { return [] }
            let words = ["ZRANGEBYSCORE", "-inf"].map { Array($0.utf8) } + [RedisEntryCoding.score(time)]
            let answer = try await run(.range, [keys.due], words + [count(limit), keys.peer])
            // Times within the same microsecond are told apart here.
            return try entries(answer).filter { ($0.isPresent ? $0.presentUntil : $0.heldUntil) < time }
        }
    }

    package func apply(_ changes: [PeerChange]) async throws -> [UInt64?] {
        var revisions: [UInt64?] = []
        var rest = changes[...]
        while !rest.isEmpty {
            let group = rest.prefix(Self.changesMax).map { (change: $0, arguments: RedisEntryCoding.arguments($0)) }
            rest = rest.dropFirst(Self.changesMax)
            let names = group.filter { $0.arguments != nil }.map { keys.peer + Array($0.change.name.utf8) }
            let arguments = [RedisEntryCoding.octets(UInt64(max(1, configuration.eventsMax)))]
            let answer = try await run(
                .apply,
                [keys.revision, keys.events, keys.present, keys.due] + names,
                arguments + group.flatMap { $0.arguments ?? [] }
            )
            guard let answers = answer.elements, answers.count == names.count else { throw malformed("a change") }
            var next = answers.makeIterator()
            for (_, arguments) in group { revisions.append(arguments == nil ? nil : next.next()?.number) }
        }
        return revisions
    }

    package func events(since: UInt64, limit: Int) async throws -> PeerEventPage {
        // An identifier of an event has 64 bits, all of which are allowed.
        let arguments = [RedisEntryCoding.octets(since), count(max(1, limit))]
        let answer = try await run(.events, [keys.revision, keys.events], arguments)
        guard let parts = answer.elements, parts.count == 3, let newest = parts[0].number,
            let values = parts[2].elements
        else { throw malformed("events") }
        // Redis came back with older data than were told of.
        guard since <= newest else { return .gone(oldest: newest + 1) }
        let events = values.map(RedisEntryCoding.event)
        guard !events.contains(where: { $0 == nil }) else { throw malformed("events") }
        if let first = events.first ?? nil, first.previous > since {
            return .gone(oldest: RedisEntryCoding.revision(parts[1]) ?? first.event.revision)
        }
        return .events(limit > 0 ? events.compactMap { $0?.event } : [])
    }

    package func waitForEvents(after revision: UInt64) async throws -> UInt64 {
        let number = watch.withLock { $0.makeNumber() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let addition = watch.withLock { watch in
                    Task.isCancelled ? .resume(watch.newest) : watch.add(waiter, after: revision, number: number)
                }
                switch addition {
                case .resume(let newest): waiter.resume(returning: newest)
                case .read: readEvents()
                case .nothing: break
                case .refuse:
                    let message = "\(configuration.waitersMax) wait for events of \(address) already; try again later"
                    waiter.resume(throwing: RedisStoreError(.busy, message))
                case .closed:
                    waiter.resume(throwing: RedisStoreError(.closed, "the store \(address) is closed"))
                }
            }
        } onCancel: {
            let (waiter, newest) = watch.withLock { ($0.remove(number), $0.newest) }
            waiter?.resume(returning: newest)
        }
    }

    // MARK: Reading

    /// In pages, each of which is one step in Redis.
    private func present(after name: String?, limit: Int) async throws -> [PeerEntry] {
        var entries: [PeerEntry] = []
        var last = name
        while entries.count < limit {
            let asked = min(limit - entries.count, Self.entriesMax)
            let words = [
                Array("ZRANGEBYLEX".utf8), last.map { Array("(\($0)".utf8) } ?? Array("-".utf8), Array("+".utf8),
                count(asked), keys.peer,
            ]
            let page = try self.entries(try await run(.range, [keys.present], words))
            entries += page
            guard page.count == asked, let end = page.last else { break }
            last = end.identifier.folded
        }
        return entries
    }

    private func count(_ limit: Int) -> [UInt8] {
        RedisEntryCoding.octets(UInt64(max(0, min(limit, Self.entriesMax))))
    }

    /// Runs a script, by its identifier if Redis still knows it.
    private func run(_ script: RedisScript, _ keys: [[UInt8]], _ arguments: [[UInt8]]) async throws -> RESPValue {
        let rest = [RedisEntryCoding.octets(UInt64(keys.count))] + keys + arguments
        if let identifier = identifiers[script.source] {
            do {
                return try await commands.send(RESPCommand([Array("EVALSHA".utf8), identifier] + rest))
            } catch let error as RedisStoreError where error.code == .refused && error.message.contains("NOSCRIPT") {
                // Redis was started anew: sent whole, it is known again.
            }
        }
        return try await commands.send(RESPCommand([Array("EVAL".utf8), Array(script.source.utf8)] + rest))
    }

    /// The entries of an answer; those that are not there are left out.
    private func entries(_ answer: RESPValue) throws -> [PeerEntry] {
        guard let values = answer.elements else { throw malformed("entries") }
        return try values.compactMap { value in
            if value == .null { return nil }
            guard let entry = value.octets.flatMap(RedisEntryCoding.entry) else { throw malformed("an entry") }
            return entry
        }
    }

    private func malformed(_ what: String) -> RedisStoreError {
        let advice = "look whether something else writes below \(configuration.prefix)"
        return RedisStoreError(.malformed, "\(address) answered something else than \(what); \(advice)")
    }

    // MARK: Waiting for events

    /// Waits in Redis for an event after the newest known one; goes on as long as somebody waits.
    private func readEvents() {
        let newest = watch.withLock { $0.newest }
        let block = configuration.blockingRead
        let milliseconds = max(1, block.components.seconds * 1_000)
        let words: [[UInt8]] = [
            Array("XREAD".utf8), Array("COUNT".utf8), Array("1".utf8), Array("BLOCK".utf8),
            RedisEntryCoding.octets(UInt64(milliseconds)), Array("STREAMS".utf8), keys.events,
            RedisEntryCoding.octets(newest),
        ]
        reading.send(RESPCommand(words), within: block + configuration.answerTimeout) { answer in
            switch answer {
            case .success: self.readNewest()
            case .failure: self.readAgain()
            }
        }
    }

    /// Asks for the newest revision, since an answer to a wait brings only the next.
    private func readNewest() {
        let command = RESPCommand([
            Array("XREVRANGE".utf8), keys.events, [0x2b], [0x2d], Array("COUNT".utf8), [0x31],
        ])
        reading.send(command, within: configuration.answerTimeout) { answer in
            guard case .success(let value) = answer, let events = value.elements else { return self.readAgain() }
            let newest = events.first?.elements?.first.flatMap(RedisEntryCoding.revision) ?? 0
            let (resumed, readsOn) = self.watch.withLock { $0.learned(newest) }
            for waiter in resumed { waiter.resume(returning: newest) }
            if readsOn { self.readEvents() }
        }
    }

    /// After a failure: those who wait are patient.
    private func readAgain() {
        reading.schedule(after: configuration.backOffMin * 4) {
            if self.watch.withLock({ $0.failed() }) { self.readEvents() }
        }
    }
}
