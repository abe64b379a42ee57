// The inner part of a sealed body, at each of its limits.

import PeerIdentity
import TestSupport
import Testing

@testable import Chat

@Suite struct EnvelopeCodingTests {
    private func message(_ number: UInt64, _ count: Int) -> ChatMessage {
        ChatMessage(sequence: number, sentAtMilliseconds: 5, text: String(repeating: "t", count: count))
    }

    private func code(_ error: SealingError.Code, _ body: () throws -> Void) {
        #expect { try body() } throws: { ($0 as? SealingError)?.code == error }
    }

    @Test(arguments: [0, 1, 119, 120, 121, 5_000, 16 * 1024]) func `what was encoded is decoded, in a size class`(
        _ count: Int
    ) throws {
        var envelope = try ChatEnvelope.bob([String(repeating: "a", count: count)])
        envelope.record = [1, 2, 3]
        let inner = try EnvelopeCoding.encode(envelope)
        #expect(SealingLimits.isSizeClass(inner.count + 96))
        #expect(try EnvelopeCoding.decode(inner) == envelope)
    }

    @Test func `padding is to the next double of 256`() throws {
        let frame = 96 + 1 + 3 + 1 + 5 + 16 + 2 + 1 + 19
        for (text, size) in [(256 - frame, 256), (257 - frame, 512), (512 - frame, 512), (513 - frame, 1024)] {
            let envelope = try ChatEnvelope.bob([String(repeating: "a", count: text)])
            #expect(try EnvelopeCoding.encode(envelope).count == size - 96)
        }
    }

    @Test func `more zeros than needed are read`() throws {
        let envelope = try ChatEnvelope.bob(["hi"])
        let inner = try EnvelopeCoding.encode(envelope) + [UInt8](repeating: 0, count: 256)
        #expect(try EnvelopeCoding.decode(inner) == envelope)
    }

    @Test func `64 messages go into a body, 65 do not`() throws {
        let texts = (1...65).map { "\($0)" }
        let most = try ChatEnvelope.bob(Array(texts.dropLast()))
        #expect(try EnvelopeCoding.decode(EnvelopeCoding.encode(most)) == most)
        code(.badMessages) { _ = try EnvelopeCoding.encode(.bob(texts)) }
        code(.badMessages) { _ = try EnvelopeCoding.encode(.bob([])) }
    }

    @Test func `a text of 16 KiB goes into a body, one octet more does not`() throws {
        var envelope = try ChatEnvelope.bob([])
        envelope.messages = [message(1, 16 * 1024)]
        #expect(try EnvelopeCoding.decode(EnvelopeCoding.encode(envelope)) == envelope)
        envelope.messages = [message(1, 16 * 1024 + 1)]
        code(.badMessages) { _ = try EnvelopeCoding.encode(envelope) }
    }

    @Test func `all together is at most 32 KiB`() throws {
        var envelope = try ChatEnvelope.bob([])
        let frame = 96 + 1 + 3 + 1 + 5 + 16 + 2 + 1 + 19 + 19
        envelope.messages = [message(1, 16 * 1024), message(2, 16 * 1024 - frame)]
        #expect(try EnvelopeCoding.encode(envelope).count == 32 * 1024 - 96)
        envelope.messages = [message(1, 16 * 1024), message(2, 16 * 1024 - frame + 1)]
        code(.badMessages) { _ = try EnvelopeCoding.encode(envelope) }
    }

    @Test func `a record of 8 KiB goes with a body, one octet more does not`() throws {
        var envelope = try ChatEnvelope.bob([String(repeating: "x", count: 16 * 1024)])
        envelope.record = [UInt8](repeating: 7, count: 8 * 1024)
        #expect(try EnvelopeCoding.decode(EnvelopeCoding.encode(envelope)) == envelope)
        envelope.record?.append(7)
        code(.badMessages) { _ = try EnvelopeCoding.encode(envelope) }
    }

    @Test(arguments: [[1, 3], [2, 1], [0], [1, 1], [UInt64.max, 0], [1 << 63]]) func `numbers are consecutive from 1`(
        _ numbers: [UInt64]
    ) throws {
        var envelope = try ChatEnvelope.bob([])
        envelope.messages = numbers.map { message($0, 3) }
        code(.badMessages) { _ = try EnvelopeCoding.encode(envelope) }
    }

    /// The octets of a body of one message "hi" from Bob, with one place changed.
    private func inner(changing change: (inout [UInt8]) -> Void) throws -> [UInt8] {
        var octets = try EnvelopeCoding.encode(.bob(["hi"]))
        change(&octets)
        return octets
    }

    @Test(arguments: [
        (0, 0 as UInt8, "sender's name"), (0, 255, "sender's name"), (1, 0xff, "sender's name"),
        (1, 0x20, "sender's name"), (4, 0, "recipient's name"), (26, 0x20, "record"), (28, 0, "1 to 64"),
        (28, 65, "1 to 64"), (36, 0, "consecutive"), (29, 0x80, "2^63"), (37, 0x80, "2^63"), (45, 0, "kind"),
        (45, 2, "kind"), (46, 0x40, "text"), (48, 0xff, "UTF-8"), (49, 0x80, "UTF-8"), (50, 1, "zeros"),
        (159, 1, "zeros"),
    ]) func `whatever encoding would not write is refused`(_ place: Int, _ octet: UInt8, _ word: String) throws {
        let octets = try inner { $0[place] = octet }
        #expect { try EnvelopeCoding.decode(octets) } throws: { error in
            guard let error = error as? SealingError else { return false }
            return error.code == .malformed && error.message.contains(word)
        }
    }

    @Test func `a name that is not in NFC is refused`() throws {
        var octets: [UInt8] = [4] + Array("Zoe".utf8) + []
        octets = [5] + Array("Zoe\u{308}".utf8) + Array(try EnvelopeCoding.encode(.bob(["hi"])).dropFirst(4))
        code(.malformed) { _ = try EnvelopeCoding.decode(octets) }
    }

    @Test func `every cut of a body is refused or reads the same`() throws {
        let envelope = try ChatEnvelope.bob(["one", "two"])
        let octets = try EnvelopeCoding.encode(envelope)
        for count in 0..<octets.count {
            // A cut within the zeros leaves the messages whole.
            if let read = try? EnvelopeCoding.decode(Array(octets.prefix(count))) { #expect(read == envelope) }
        }
    }

    @Test func `mutated octets never trap, and what is read is written the same`() throws {
        var random = SeededGenerator(seed: 0xE7C0)
        let whole = try EnvelopeCoding.encode(.bob(["one", "two", "drei"]))
        var accepted = 0
        for _ in 0..<20_000 {
            var octets = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: octets[Int.random(in: 0..<octets.count, using: &random)] = .random(in: 0...255, using: &random)
                case 1: octets.removeLast(Int.random(in: 0..<min(40, octets.count), using: &random))
                case 2:
                    octets.insert(
                        .random(in: 0...255, using: &random),
                        at: .random(in: 0...octets.count, using: &random)
                    )
                default: octets[Int.random(in: 0..<min(60, octets.count), using: &random)] &+= 1
                }
                if octets.isEmpty { break }
            }
            guard let envelope = try? EnvelopeCoding.decode(octets) else { continue }
            accepted += 1
            let again = try EnvelopeCoding.encode(envelope)
            let common = min(again.count, octets.count)
            let isSame = again.prefix(common).elementsEqual(octets.prefix(common))
            #expect(isSame, "seed \(random.seed)")
        }
        #expect(accepted > 0)
    }
}
