// What is in the file: over restarts, after a kill, and when the file is not what it should be.

import Foundation
import GRDB
import HTTP
import PeerIdentity
import PeerRegistry
import PeerRegistrySQLite
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct SQLitePeerStoreTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("registry.sqlite")
    }

    @Test func `everything is there again after a close, and revisions go on`() async throws {
        let first = try sqliteStore(path, secret: 7)
        let (alice, bob) = (try signed("Alice", hasXWing: true, until: 1_000), try plain("José", until: 1_000))
        _ = try await first.apply([
            PeerChange(alice, 0), PeerChange(bob, 0), PeerChange(try plain("gone"), 0),
            PeerChange(entry: nil, name: "gone", expected: 3, kind: .leave),
            PeerChange(try plain("held", isPresent: false), 0, .leave),
        ])
        // Signs of life are written at the end, too.
        var renewed = alice
        (renewed.presentUntil, renewed.renewals) = (Timestamp(seconds: 2_000), 18)
        _ = try await first.apply(PeerChange(renewed, 1, .renew, isDurable: false))
        let events = try await first.eventList()
        try await first.close()

        let second = try sqliteStore(path, secret: 8)
        #expect(try await second.secret() == secretOctets(7))
        expectSame(try await second.entry("alice"), renewed.at(6))
        expectSame(try await second.entry("josé"), bob.at(2))
        expectSame(try await second.entry("held"), try plain("held", isPresent: false).at(5))
        #expect(try await second.entry("gone") == nil)
        #expect(try await second.entries(.presentAfter(nil, limit: 9)).map(\.identifier.folded) == ["alice", "josé"])
        #expect(try await second.eventList().elementsEqual(events))
        #expect(try await second.apply(PeerChange(try plain("next"), 0)) == 7)
        for since in UInt64(0)...7 {
            #expect(try await second.eventList(since: since).map(\.revision).elementsEqual((since + 1)..<8))
        }
        try await second.close()
    }

    @Test func `a kill at any moment loses nothing that was acknowledged`() async throws {
        let store = try sqliteStore(path)
        var generator = SeededGenerator(seed: 99)
        var acknowledged: [String: PeerEntry] = [:]
        for step in 0..<30 {
            for _ in 0..<10 {
                let name = "n\(Int.random(in: 0..<40, using: &generator))"
                let held = acknowledged[name]?.revision ?? 0
                if held > 0, Bool.random(using: &generator) {
                    let change = PeerChange(entry: nil, name: name, expected: held, kind: .leave)
                    #expect(try await store.apply(change) != nil)
                    acknowledged[name] = nil
                } else {
                    let entry = try plain(name, until: Int64.random(in: 1_000...9_000, using: &generator))
                    let revision = try #require(try await store.apply(PeerChange(entry, held)))
                    acknowledged[name] = entry.at(revision)
                }
            }
            // What a kill leaves: the file and its log as they are now.
            let copy = try copied(step)
            let other = try sqliteStore(copy)
            let found = try await other.entries(.presentAfter(nil, limit: 100))
            #expect(Set(found) == Set(acknowledged.values))
            let events = try await store.eventList()
            #expect(try await other.eventList().elementsEqual(events))
            // What was told before is not told again under the same revision.
            let last = try #require(events.last?.revision)
            let next = try #require(try await other.apply(PeerChange(try plain("after"), 0)))
            #expect(next > last)
            #expect(try await other.eventList(since: last).map(\.revision) == [next])
            try await other.close()
        }
        try await store.close()
    }

    @Test func `after a kill, revisions of renewals that were not written do not come again`() async throws {
        let store = try sqliteStore(path, lazyDelay: .seconds(10))
        _ = try await store.apply(PeerChange(try plain("a", until: 1_000), 0))
        let identifier = try PeerIdentifier("a")
        for revision in UInt64(1)...50 {
            var entry = try packedEntry(of: store)
            entry.renewals += 1
            #expect(store.renewImmediately(entry, of: identifier, expected: revision) == true)
        }
        // Nobody is told before the file has it.
        let told = try await store.events(since: 0, limit: 100)
        guard case .events(let events) = told else { throw CancellationError() }
        #expect(events.map(\.revision) == [1])
        let other = try sqliteStore(try copied(1))
        #expect(try await other.entry("a")?.revision == 1)
        let next = try #require(try await other.apply(PeerChange(try plain("b"), 0)))
        #expect(next > 51)
        #expect(try await other.eventList(since: 51).map(\.revision) == [next])
        try await other.close()
        try await store.close()
    }

    @Test func `a sign of life is in the file soon`() async throws {
        let store = try sqliteStore(path, lazyDelay: .milliseconds(10))
        _ = try await store.apply(PeerChange(try plain("a", until: 1_000), 0))
        var entry = try packedEntry(of: store)
        entry.presentUntil = Timestamp(seconds: 5_000)
        #expect(store.renewImmediately(entry, of: try PeerIdentifier("a"), expected: 1) == true)
        let deadline = ContinuousClock.now + .seconds(30)
        var found: Timestamp?
        var number = 0
        while found != Timestamp(seconds: 5_000) {
            number += 1
            try #require(ContinuousClock.now < deadline, "it is not in the file after 30 s")
            let other = try sqliteStore(try copied(number))
            found = try await other.entry("a")?.presentUntil
            try await other.close()
        }
        try await store.close()
    }

    @Test func `a sign of life of a name that is being written waits for the file`() async throws {
        let store = try sqliteStore(path)
        for round in 0..<50 {
            let name = "n\(round)"
            async let registration = store.apply(PeerChange(try plain(name, until: 1_000), 0))
            // As soon as it can be seen, it is renewed; once that is acknowledged, the registration must be kept.
            var renewal: UInt64?
            while renewal == nil {
                await Task.yield()
                guard let held = try await store.entry(name) else { continue }
                renewal = try await store.apply(PeerChange(held, held.revision, .renew, isDurable: false))
            }
            if round % 10 == 0 {
                let other = try sqliteStore(try copied(round))
                #expect(try await other.entry(name) != nil)
                try await other.close()
            }
            _ = try await registration
        }
        try await store.close()
    }

    @Test func `a lease is no longer after a start than it was`() async throws {
        let first = try sqliteStore(path)
        _ = try await first.apply([
            PeerChange(try plain("plain", until: 100), 0), PeerChange(try signed("signed"), 0),
            PeerChange(try plain("long", until: 9_000_000_000), 0),
        ])
        let before = try await first.entries(.names(["plain", "signed", "long"])).map(\.presentUntil)
        try await first.close()
        for now in [Int64(99), 101, 5_000] {
            let store = try sqliteStore(path, now: now)
            let after = try await store.entries(.names(["plain", "signed", "long"]))
            #expect(after.map(\.presentUntil) == before)
            #expect(!after.contains { !$0.isPresent })
            try await store.close()
        }
    }

    @Test func `events beyond the limit are trimmed in the file, and who asks for them is told`() async throws {
        let first = try sqliteStore(path, eventsMax: 100)
        for batch in 0..<10 {
            _ = try await first.apply(try (0..<50).map { PeerChange(try plain("n\(batch)-\($0)"), 0) })
        }
        try await first.close()
        let size = try DatabaseQueue(path: path).inDatabase { try Int.fetchOne($0, sql: "SELECT count(*) FROM events") }
        #expect((100...125).contains(size ?? 0))
        let second = try sqliteStore(path, eventsMax: 100)
        #expect(try await second.events(since: 300, limit: 5) == .gone(oldest: 401))
        #expect(try await second.eventList(since: 400).map(\.revision).elementsEqual(401...500))
        try await second.close()
        let third = try sqliteStore(path, eventsMax: 10)
        #expect(try await third.events(since: 489, limit: 1) == .gone(oldest: 491))
        #expect(try await third.eventList(since: 490).count == 10)
        try await third.close()
    }

    @Test func `a second store on the same file is refused`() async throws {
        let store = try sqliteStore(path)
        let error = #expect(throws: SQLiteStoreError.self) { try sqliteStore(path) }
        #expect(error?.code == .inUse)
        #expect(error?.message.contains("in use by another registry") == true)
        #expect(error?.message.contains("--store sqlite:PATH") == true)
        _ = try await store.apply(PeerChange(try plain("a"), 0))
        try await store.close()
        try await sqliteStore(path).close()
    }

    @Test(arguments: ["text", "database", "cache"]) func `a file that is not ours is refused and left as it is`(
        _ kind: String
    ) throws {
        switch kind {
        case "text": _ = try directory.write(String(repeating: "not a database\n", count: 100), to: "registry.sqlite")
        case "database":
            let queue = try DatabaseQueue(path: path)
            try queue.inDatabase { try $0.execute(sql: "CREATE TABLE recipes (name TEXT)") }
            try queue.close()
        default:
            let queue = try DatabaseQueue(path: path)
            try queue.inDatabase { try $0.execute(sql: "PRAGMA application_id = 7; PRAGMA user_version = 1") }
            try queue.close()
        }
        let before = try Data(contentsOf: URL(filePath: path))
        let error = #expect(throws: SQLiteStoreError.self) { try sqliteStore(path) }
        #expect(error?.code == .foreign)
        #expect(error?.message.contains("is not a registry's file") == true)
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
    }

    @Test func `a file of a later version is refused`() async throws {
        try await sqliteStore(path).close()
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: "PRAGMA user_version = 2") }
        try queue.close()
        let error = #expect(throws: SQLiteStoreError.self) { try sqliteStore(path) }
        #expect(error?.code == .newer)
        #expect(error?.message.contains("later version") == true)
    }

    @Test(arguments: [
        "UPDATE leases SET revision = -1 WHERE 0", "UPDATE peers SET content = x'00'", "DELETE FROM peers",
        "UPDATE peers SET content = zeroblob(400)", "UPDATE events SET kind = 99", "UPDATE events SET identifier = ' '",
        "UPDATE registry SET secret = x'00'", "DELETE FROM registry", "UPDATE registry SET reserved = -1",
        "UPDATE leases SET revision = 9223372036854775807",
    ]) func `a damaged file is refused, never guessed at`(_ damage: String) async throws {
        let store = try sqliteStore(path)
        _ = try await store.apply(PeerChange(try signed("a"), 0))
        try await store.close()
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: damage) }
        try queue.close()
        if damage.hasSuffix("WHERE 0") {
            // The same way without damage.
            try await sqliteStore(path).close()
            return
        }
        let error = #expect(throws: SQLiteStoreError.self) { try sqliteStore(path) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("is damaged") == true)
    }

    @Test func `a directory that is not there is said`() throws {
        let error = #expect(throws: SQLiteStoreError.self) { try sqliteStore(directory.file("no/registry.sqlite")) }
        #expect(error?.code == .failed)
        #expect(error?.message.contains("its directory must exist") == true)
    }

    @Test func `the file is for its owner alone`() async throws {
        let store = try sqliteStore(path)
        for file in [path, path + "-wal"] {
            let permissions = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(permissions == 0o600)
        }
        try await store.close()
    }

    @Test func `a closed store refuses changes`() async throws {
        let store = try sqliteStore(path)
        try await store.close()
        try await store.close()
        let error = await #expect(throws: SQLiteStoreError.self) { () async throws in
            try await store.apply(PeerChange(try plain("a"), 0))
        }
        #expect(error?.code == .closed)
    }

    @Test func `many callers at once all find their changes in the file`() async throws {
        let store = try sqliteStore(path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<200 {
                group.addTask { () async throws in
                    for number in 0..<5 {
                        #expect(try await store.apply(PeerChange(try signed("c\(caller)-\(number)"), 0)) != nil)
                    }
                }
            }
            try await group.waitForAll()
        }
        let other = try sqliteStore(try copied(0))
        #expect(try await other.entries(.presentAfter(nil, limit: 2_000)).count == 1_000)
        try await other.close()
        try await store.close()
    }

    /// The entry of `a` as it stands in memory.
    private func packedEntry(of store: SQLitePeerStore) throws -> PackedEntry {
        let entry = store.image?.memory.packedEntry(Array("a".utf8).span)
        return try #require(entry)
    }

    /// The file and its log as they are now, which is what a kill leaves.
    private func copied(_ number: Int) throws -> String {
        let copy = directory.file("copy-\(number).sqlite")
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        return copy
    }
}
