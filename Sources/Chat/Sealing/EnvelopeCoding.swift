// What stands inside a sealed body, between octets and an envelope.

import PeerIdentity

/// The inner part: `u8+from ‖ u8+to ‖ stream 16 ‖ u16+record ‖ u8 count ‖ messages ‖ zeros`.
///
/// There is one reading of each octet string: decoding refuses whatever encoding would not have written, but for more
/// zeros than needed, by which a sender may hide a size.
package enum EnvelopeCoding {
    /// `seq u64 ‖ Unix ms u64 ‖ kind u8 ‖ length u16`, in front of each text.
    private static let messageHeadCount = 8 + 8 + 1 + 2
    private static let textKind: UInt8 = 1

    /// The inner part of `envelope`, with as many zeros as make what is encrypted 256·2^k.
    ///
    /// - Throws: ``SealingError`` `badMessages`.
    package static func encode(_ envelope: ChatEnvelope) throws(SealingError) -> [UInt8] {
        try check(envelope.messages)
        let record = envelope.record ?? []
        let (from, to) = (envelope.from.text.utf8, envelope.to.text.utf8)
        guard record.count <= SealingLimits.recordMax, from.count <= 255, to.count <= 255 else {
            throw SealingError(.badMessages, "a name or the record is too long for a sealed body")
        }
        let count = envelope.messages.reduce(
            SealingLimits.signerCount
                + frameCount(from: envelope.from, to: envelope.to, recordCount: record.count)
        ) { $0 + messageHeadCount + $1.text.utf8.count }
        guard let size = SealingLimits.sizeClass(holding: count) else {
            throw SealingError(.badMessages, "the messages of one body are longer than 32 KiB together")
        }
        var octets: [UInt8] = []
        octets.reserveCapacity(size - SealingLimits.signerCount)
        octets.append(UInt8(from.count))
        octets += from
        octets.append(UInt8(to.count))
        octets += to
        octets.append(bigEndian: envelope.stream.high, octets: 8)
        octets.append(bigEndian: envelope.stream.low, octets: 8)
        octets.append(bigEndian: UInt64(record.count), octets: 2)
        octets += record
        octets.append(UInt8(envelope.messages.count))
        for message in envelope.messages {
            octets.append(bigEndian: message.sequence, octets: 8)
            octets.append(bigEndian: message.sentAtMilliseconds, octets: 8)
            octets.append(textKind)
            octets.append(bigEndian: UInt64(message.text.utf8.count), octets: 2)
            octets += message.text.utf8
        }
        octets += repeatElement(0, count: size - SealingLimits.signerCount - octets.count)
        return octets
    }

    /// The envelope that `inner` is.
    ///
    /// - Throws: ``SealingError`` `malformed`, saying which part.
    package static func decode(_ inner: [UInt8]) throws(SealingError) -> ChatEnvelope {
        var reader = OctetReader(inner)
        let from = try identifier(&reader, "sender's name")
        let to = try identifier(&reader, "recipient's name")
        guard let high = reader.integer(octets: 8), let low = reader.integer(octets: 8) else {
            throw SealingError(.malformed, "the stream is cut short")
        }
        guard let record = reader.counted(lengthOctets: 2, max: SealingLimits.recordMax) else {
            throw SealingError(.malformed, "the sender's record is cut short or longer than 8 KiB")
        }
        guard let count = reader.octet(), (1...SealingLimits.messagesMax).contains(Int(count)) else {
            throw SealingError(.malformed, "a body has 1 to 64 messages")
        }
        var messages: [ChatMessage] = []
        for _ in 0..<count {
            let message = try message(&reader)
            guard messages.last.map({ $0.sequence + 1 == message.sequence }) ?? (message.sequence > 0) else {
                throw SealingError(.malformed, "the numbers of the messages are not consecutive from 1")
            }
            messages.append(message)
        }
        guard reader.restIsZero else {
            throw SealingError(.malformed, "there is more behind the messages than zeros")
        }
        return ChatEnvelope(
            from: from,
            to: to,
            stream: StreamID(high: high, low: low),
            record: record.isEmpty ? nil : Array(record),
            messages: messages
        )
    }

    private static func frameCount(from: PeerIdentifier, to: PeerIdentifier, recordCount: Int) -> Int {
        1 + from.text.utf8.count + 1 + to.text.utf8.count + 16 + 2 + recordCount + 1
    }

    private static func check(_ messages: [ChatMessage]) throws(SealingError) {
        guard (1...SealingLimits.messagesMax).contains(messages.count) else {
            throw SealingError(.badMessages, "a body has 1 to 64 messages")
        }
        var previous: UInt64?
        for message in messages {
            guard message.text.utf8.count <= SealingLimits.textMax else {
                throw SealingError(.badMessages, "a message is longer than 16 KiB")
            }
            guard message.sequence > 0, previous.map({ $0 &+ 1 == message.sequence }) ?? true else {
                throw SealingError(.badMessages, "the numbers of the messages are not consecutive from 1")
            }
            guard message.sequence <= Int64.max, message.sentAtMilliseconds <= Int64.max else {
                throw SealingError(.badMessages, "a number or time of a message is 2^63 or more")
            }
            previous = message.sequence
        }
    }

    private static func identifier(_ reader: inout OctetReader, _ what: String) throws(SealingError) -> PeerIdentifier {
        guard let octets = reader.counted(lengthOctets: 1, max: 255),
            let text = String(validating: octets, as: UTF8.self)
        else { throw SealingError(.malformed, "the \(what) is cut short or no UTF-8") }
        let identifier: PeerIdentifier
        do {
            identifier = try PeerIdentifier(text)
        } catch {
            throw SealingError(.malformed, "the \(what) is no name: \(error.message)")
        }
        // Strings compare by canonical equivalence; the octets have to be the same.
        guard identifier.text.utf8.elementsEqual(octets) else {
            throw SealingError(.malformed, "the \(what) is not in NFC")
        }
        return identifier
    }

    private static func message(_ reader: inout OctetReader) throws(SealingError) -> ChatMessage {
        guard let sequence = reader.integer(octets: 8), let time = reader.integer(octets: 8), let kind = reader.octet()
        else { throw SealingError(.malformed, "a message is cut short") }
        // A store's integers are signed; nobody sends 2^63 messages.
        guard sequence <= Int64.max, time <= Int64.max else {
            throw SealingError(.malformed, "a number or time of a message is 2^63 or more")
        }
        guard kind == textKind else {
            throw SealingError(.malformed, "the kind of a message is not known here")
        }
        guard let octets = reader.counted(lengthOctets: 2, max: SealingLimits.textMax) else {
            throw SealingError(.malformed, "a text is cut short or longer than 16 KiB")
        }
        guard let text = String(validating: octets, as: UTF8.self) else {
            throw SealingError(.malformed, "a text is no UTF-8")
        }
        return ChatMessage(sequence: sequence, sentAtMilliseconds: time, text: text)
    }
}
