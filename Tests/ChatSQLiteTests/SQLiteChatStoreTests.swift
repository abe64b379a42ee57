// What is particular to the store on disk: the file, its permissions, power losses, kills in the middle.

import Chat
import ChatSQLite
import Foundation
import GRDB
import PeerIdentity
import TestSupport
import Testing

@Suite struct SQLiteChatStoreTests {
    private static func open(
        _ path: String,
        history: SQLiteChatStore.History = .kept,
        boot: String = "boot",
        first: UInt64 = 0
    ) throws -> SQLiteChatStore {
        let streams = TestedStore.Streams(first)
        return try SQLiteChatStore(path: path, history: history, boot: boot, randomStream: streams.next)
    }

    private static func message(of body: () throws -> SQLiteChatStore) -> String? {
        do {
            _ = try body()
            return nil
        } catch let error as ChatError {
            return error.code == .storeFailed ? error.message : nil
        } catch {
            return nil
        }
    }

    @Test func `only the owner may read the file and its log`() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([UInt8](), to: "chat.sqlite")
        chmod(path, 0o644)
        let store = try Self.open(path)
        _ = try await store.enqueue("secret", to: [try peer("Bob")], atMilliseconds: 1)
        for suffix in ["", "-wal"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func `a file that is not ours is left alone`() throws {
        let directory = try TemporaryDirectory()
        let text = try directory.write(String(repeating: "shopping list\n", count: 100), to: "notes")
        #expect(Self.message { try Self.open(text) }?.contains("is not a file of this client") == true)
        #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("shopping"))
        let other = directory.file("other.sqlite")
        let queue = try DatabaseQueue(path: other)
        try queue.write { try $0.execute(sql: "CREATE TABLE t (a)") }
        try queue.close()
        let before = try Data(contentsOf: URL(filePath: other))
        #expect(Self.message { try Self.open(other) }?.contains("is not a file of this client") == true)
        #expect(try Data(contentsOf: URL(filePath: other)) == before)
    }

    @Test func `a file of a newer version, a damaged one, one in a missing directory and a link are refused`() throws {
        let directory = try TemporaryDirectory()
        let newer = directory.file("newer.sqlite")
        try Self.open(newer).close()
        let queue = try DatabaseQueue(path: newer)
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('2')") }
        try queue.close()
        #expect(Self.message { try Self.open(newer) }?.contains("newer version") == true)
        let damaged = directory.file("damaged.sqlite")
        try Self.open(damaged).close()
        let whole = try Data(contentsOf: URL(filePath: damaged))
        try (whole.prefix(100) + Data(repeating: 0xaa, count: whole.count - 100)).write(to: URL(filePath: damaged))
        #expect(Self.message { try Self.open(damaged) } != nil)
        #expect(Self.message { try Self.open(directory.file("no/chat.sqlite")) }?.contains("could not open") == true)
        symlink(newer, directory.file("link"))
        #expect(Self.message { try Self.open(directory.file("link")) }?.contains("could not open") == true)
    }

    @Test func `a store that is closed refuses, and its file needs no log`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("chat.sqlite")
        let store = try Self.open(path)
        _ = try await store.enqueue("kept", to: [try peer("Bob")], atMilliseconds: 1)
        try store.close()
        try store.close()
        await #expect(throws: ChatError.self) { try await store.outbox() }
        #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
        #expect(try await Self.open(path).outbox()[0].messages.count == 1)
    }

    @Test func `after a power loss new messages begin a new stream, behind those that are queued`() async throws {
        let directory = try TemporaryDirectory()
        let bob = try peer("Bob")
        let path = directory.file("chat.sqlite")
        let store = try Self.open(path)
        let old = try await store.enqueue("old", to: [bob], atMilliseconds: 1)
        let copy = directory.file("copy.sqlite")
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        // Undone by the power loss.
        _ = try await store.enqueue("gone", to: [bob], atMilliseconds: 1)
        let after = try Self.open(copy, boot: "another boot", first: 1)
        let new = try await after.enqueue("new", to: [bob], atMilliseconds: 2)
        #expect(new[0].stream != old[0].stream)
        #expect(new[0].message.sequence == 1)
        let outbox = try await after.outbox()
        #expect(outbox.map(\.messages) == [old, new])
        // A clean end is no power loss, whatever boot comes next; nor is a kill in the same boot.
        try after.close()
        let later = try Self.open(copy, boot: "a third boot", first: 2)
        #expect(try await later.enqueue("more", to: [bob], atMilliseconds: 3)[0].message.sequence == 2)
    }

    @Test func `without history no text stays once it is delivered or shown`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("chat.sqlite")
        let store = try Self.open(path, history: .none)
        let bob = try peer("Bob")
        let sent = try await store.enqueue("gone when delivered", to: [bob], atMilliseconds: 1)
        try await store.settle(bob, stream: sent[0].stream, upTo: 1, as: .delivered, reason: nil)
        let failed = try await store.enqueue("gone when failed", to: [bob], atMilliseconds: 1)
        try await store.settle(bob, stream: failed[0].stream, upTo: 2, as: .failed, reason: "no")
        let stream = StreamID(high: 1, low: 1)
        let text = ChatMessage(sequence: 1, sentAtMilliseconds: 1, text: "gone when shown")
        let body = IncomingBody(sender: try key(1), from: bob, stream: stream, messages: [text])
        _ = try await store.receive([body], atMilliseconds: 1)
        try await store.markShown(from: try key(1), stream: stream, upTo: 1)
        #expect(try await store.history(limit: 9, adding: []).isEmpty)
        try store.close()
        let queue = try DatabaseQueue(path: path)
        let rows = try await queue.read { db in
            try Int.fetchOne(db, sql: "SELECT (SELECT count(*) FROM lines) + (SELECT count(*) FROM outbox)")
        }
        #expect(rows == 0)
    }

    @Test func `a failed message is kept with its reason, the oldest beyond the limit not`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("chat.sqlite")
        let bob = try peer("Bob")
        var limits = ChatStoreLimits()
        limits.failedMax = 3
        let streams = TestedStore.Streams(0)
        let store = try SQLiteChatStore(path: path, limits: limits, boot: "b", randomStream: streams.next)
        for number in 1...5 as ClosedRange<UInt64> {
            let sent = try await store.enqueue("\(number)", to: [bob], atMilliseconds: 1)
            try await store.settle(bob, stream: sent[0].stream, upTo: number, as: .failed, reason: "why \(number)")
        }
        try store.close()
        let queue = try DatabaseQueue(path: path)
        let reasons = try await queue.read { try String.fetchAll($0, sql: "SELECT reason FROM outbox ORDER BY id") }
        #expect(reasons == ["why 3", "why 4", "why 5"])
    }

    @Test(arguments: [1, 10, 200] as [Int])
    func `a process that is killed while many write loses nothing that was kept`(_ count: Int) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, count = count as Int] in
            try await SQLiteChatStoreTests.writeUntilKilled(path, after: count)
        }
        let acknowledged = Set(try Data(contentsOf: URL(filePath: path + "/acks")).map { Int($0) })
        #expect(acknowledged.count >= min(count, 200))
        let outbox = try await Self.open(path + "/chat.sqlite").outbox()
        let queued = outbox[0].messages
        #expect(acknowledged.isSubset(of: Set(queued.compactMap { Int($0.message.text) })))
        #expect(queued.map(\.message.sequence) == (1...UInt64(queued.count)).map(\.self))
    }

    private static func writeUntilKilled(_ directory: String, after count: Int) async throws {
        let store = try open(directory + "/chat.sqlite")
        let bob = try peer("Bob")
        let acks = Foundation.open(directory + "/acks", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let done = Tally("writes")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0...255 {
                group.addTask {
                    _ = try await store.enqueue("\(number)", to: [bob], atMilliseconds: 1)
                    var octet = UInt8(number)
                    write(acks, &octet, 1)
                    done.advance()
                    if done.count == count { kill(getpid(), SIGKILL) }
                }
            }
            try await group.waitForAll()
        }
        kill(getpid(), SIGKILL)
    }
}
