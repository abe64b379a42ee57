// A sender and a recipient, and what the vectors hold, for tests of sealing and of the listener.

import Foundation
import HTTP
import PeerIdentity
import TestSupport
import Testing

@testable import Chat

/// Alice, who receives, with keys that a test knows.
struct Recipient: Sendable {
    let identity: IdentityKey
    let identifier: PeerIdentifier
    let keys: SealingKeys
    let ring: SealingKeyRing

    init(_ name: String = "Alice", at now: Timestamp = .start) throws {
        (identity, identifier) = (IdentityKey(), try PeerIdentifier(name))
        let keys = try SealingKeys()
        self.keys = keys
        ring = try SealingKeyRing(at: now, make: { () throws(SealingError) in keys })
    }

    var opener: Opener { Opener(identifier: identifier, key: identity.publicKey, ring: ring) }

    /// How others seal to her.
    func sealing(_ suite: SealingSuite, suiteMin: UInt8 = 1) -> Destination.Sealing {
        var keys = keys.publicSet
        if suite == .x25519 { keys.xWing = nil }
        return Destination.Sealing(key: identity.publicKey, keys: keys, suiteMin: suiteMin)
    }
}

extension Timestamp {
    /// When tests begin.
    static let start = Timestamp(seconds: 1_763_700_000)
}

extension ChatEnvelope {
    /// From Bob to Alice, with texts numbered from `first`.
    static func bob(
        _ texts: [String],
        first: UInt64 = 1,
        to recipient: String = "Alice",
        stream: StreamID = StreamID(high: 7, low: 9)
    ) throws -> ChatEnvelope {
        ChatEnvelope(
            from: try PeerIdentifier("Bob"),
            to: try PeerIdentifier(recipient),
            stream: stream,
            messages: zip(first..., texts).map {
                ChatMessage(sequence: $0, sentAtMilliseconds: 1_763_700_000_000 + $0, text: $1)
            }
        )
    }
}

/// One of the vectors that the second implementation made.
struct SealingVector: Sendable, CustomTestStringConvertible {
    let name: String
    let suite: SealingSuite
    let fields: [String: String]
    let envelope: ChatEnvelope

    init(_ object: [String: Any]) throws {
        fields = object.compactMapValues { $0 as? String }
        let envelope = object["envelope"] as? [String: Any] ?? [:]
        guard let name = fields["name"],
            let suite = (object["suite"] as? Int).flatMap({ SealingSuite(rawValue: UInt8($0)) })
        else { throw RunningProcess.Failure("a vector lacks its name or suite") }
        (self.name, self.suite, self.envelope) = (name, suite, try ChatEnvelope(json: envelope))
    }

    var testDescription: String { name }

    /// A field, from hexadecimal digits.
    subscript(_ name: String) -> [UInt8] { [UInt8](hexadecimal: fields[name] ?? "") }

    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")

    static func all() throws -> [SealingVector] {
        let data = try Data(contentsOf: directory.appending(path: "sealing.json"))
        return try (JSONSerialization.jsonObject(with: data) as? [[String: Any]] ?? []).map(SealingVector.init)
    }
}

extension ChatEnvelope {
    /// As the second implementation writes it.
    init(json: [String: Any]) throws {
        let stream = [UInt8](hexadecimal: json["stream"] as? String ?? "").map(UInt64.init)
        let record = [UInt8](hexadecimal: json["record"] as? String ?? "")
        self.init(
            from: try PeerIdentifier(json["from"] as? String ?? ""),
            to: try PeerIdentifier(json["to"] as? String ?? ""),
            stream: StreamID(
                high: stream.prefix(8).reduce(0) { $0 << 8 | $1 },
                low: stream.dropFirst(8).reduce(0) { $0 << 8 | $1 }
            ),
            record: record.isEmpty ? nil : record,
            messages: (json["messages"] as? [[String: Any]] ?? []).map {
                ChatMessage(
                    sequence: $0["sequence"] as? UInt64 ?? 0,
                    sentAtMilliseconds: $0["milliseconds"] as? UInt64 ?? 0,
                    text: $0["text"] as? String ?? ""
                )
            }
        )
    }

    var json: [String: Any] {
        var octets: [UInt8] = []
        octets.append(bigEndian: stream.high, octets: 8)
        octets.append(bigEndian: stream.low, octets: 8)
        let messages = messages.map { message -> [String: Any] in
            ["sequence": message.sequence, "milliseconds": message.sentAtMilliseconds, "text": message.text]
        }
        return [
            "from": from.text, "to": to.text, "stream": octets.hexadecimal, "record": (record ?? []).hexadecimal,
            "messages": messages,
        ]
    }
}

extension [UInt8] {
    init(hexadecimal text: String) {
        let digits = Array(text.utf8)
        self = stride(from: 0, to: digits.count - 1, by: 2).map { index in
            UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) ?? 0
        }
    }

    var hexadecimal: String { map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}

/// The second implementation.
enum SealingScript {
    private static let path = SealingVector.directory.appending(path: "sealing.py").path

    /// Whether there is a Python with what it needs.
    static let runs: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import cryptography.hazmat.primitives.asymmetric.x25519, cryptography.hazmat.primitives.ciphers.aead",
        ]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// What it makes of each job.
    static func outcomes(of jobs: [[String: Any]]) async throws -> [[String: Any]] {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let file = try directory.write([UInt8](JSONSerialization.data(withJSONObject: jobs)), to: "jobs.json")
        let outcome = try await RunningProcess.succeed(["python3", "-B", path, "jobs", file])
        return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]] ?? []
    }

    static func vectors() async throws -> String {
        try await RunningProcess.succeed(["python3", "-B", path, "vectors"]).output
    }
}
