// How many messages fit into one body.

/// The octets of a sealed body's plain text, which is padded to a power of two of at most 32 KiB.
enum EnvelopeBudget {
    /// Signature, sender's key, then what ``overhead(of:)`` and ``octets(of:)`` add up to.
    static let plainMax = 32 * 1024
    private static let signatureAndKey = 64 + 32
    private static let messageHead = 8 + 8 + 1 + 2

    /// What is in front of the messages: two names, the stream, perhaps a record, the count.
    static func overhead(fromBytes: Int, toBytes: Int, recordBytes: Int) -> Int {
        signatureAndKey + 1 + fromBytes + 1 + toBytes + 16 + 2 + recordBytes + 1
    }

    /// What a message adds.
    static func octets(of message: ChatMessage) -> Int { messageHead + message.text.utf8.count }

    /// The longest run at the front of `messages` that fits: consecutive numbers of one stream, at least one message.
    static func prefix(
        of messages: ArraySlice<OutgoingMessage>,
        countMax: Int,
        overhead: Int
    ) -> ArraySlice<OutgoingMessage> {
        guard let first = messages.first else { return [] }
        var total = overhead + octets(of: first.message)
        var last = first.message.sequence
        var end = messages.startIndex + 1
        while end < messages.endIndex, end - messages.startIndex < countMax {
            let next = messages[end]
            total += octets(of: next.message)
            guard next.stream == first.stream, next.message.sequence == last &+ 1, total <= plainMax else { break }
            last = next.message.sequence
            end += 1
        }
        return messages[..<end]
    }
}
