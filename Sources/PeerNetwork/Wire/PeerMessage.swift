// One message: what is said, by whom and when, and the octets that are handed on as they came.

/// A message of a network, as it was made or as it came.
///
/// Its octets stay as they are: who relays it must not write it anew, as its checksum is its name.
public struct PeerMessage: Sendable {
    /// What it says, in one place: it is handed from queue to queue, which costs as much as there are parts to be counted.
    private final class Content: Sendable {
        let body: [UInt8]
        let id: MessageID
        let sender: NodeID
        let time: Int64
        let payload: [MessageValue]
        let mainFlag: Int64
        let subFlag: Int64?

        init(
            _ body: [UInt8],
            _ id: MessageID,
            _ sender: NodeID,
            _ time: Int64,
            _ payload: [MessageValue],
            _ mainFlag: Int64,
            _ subFlag: Int64?
        ) {
            (self.body, self.id, self.sender, self.time, self.payload) = (body, id, sender, time, payload)
            (self.mainFlag, self.subFlag) = (mainFlag, subFlag)
        }
    }

    private let content: Content
    /// What proves that it is the sender's; nil: nothing has come that does.
    package internal(set) var proof: MessageProof?

    /// Checksum and packed form: what a frame holds before it is compressed.
    public var body: [UInt8] { content.body }
    /// What tells it from every other.
    public var id: MessageID { content.id }
    /// Who says to have sent it: anybody can say that, unless ``isSigned``.
    public var sender: NodeID { content.sender }
    /// When it says that it was sent, in whole seconds since 1970, UTC.
    public var time: Int64 { content.time }
    /// What is said.
    public var payload: [MessageValue] { content.payload }
    var mainFlag: Int64 { content.mainFlag }
    /// Nil: it is none that the networks know, or there is none.
    var subFlag: Int64? { content.subFlag }

    /// Whether who holds the key of ``sender`` has signed it, for this network.
    public var isSigned: Bool { proof != nil }

    /// Whether it was said to neighbours alone.
    public var isWhisper: Bool { subFlag == SubFlag.whisper }

    /// Whether it is for all nodes, and relayed.
    package var isForAll: Bool { mainFlag == MainFlag.broadcast }

    /// A new message.
    init(_ mainFlag: Int64, _ subFlag: Int64, from sender: NodeID, at time: Int64, _ payload: [MessageValue]) {
        var octets = [UInt8](repeating: 0, count: MessageID.byteCount)
        octets.reserveCapacity(octets.count + 96)
        MessageValue.writeArrayHead(4 + payload.count, to: &octets)
        MessageValue.write(mainFlag, to: &octets)
        MessageValue.write(binary: sender.octets, to: &octets)
        MessageValue.write(time, to: &octets)
        MessageValue.write(subFlag, to: &octets)
        for value in payload { value.write(to: &octets) }
        let id = MessageID(ofPacked: octets[MessageID.byteCount...])
        octets.replaceSubrange(..<MessageID.byteCount, with: id.octets)
        content = Content(octets, id, sender, time, payload, mainFlag, subFlag)
    }

    /// The message in `body`; nil if its checksum is wrong, or it is none.
    init?(body: [UInt8]) {
        guard body.count > MessageID.byteCount, let id = MessageID(body[..<MessageID.byteCount]),
            id == MessageID(ofPacked: body[MessageID.byteCount...])
        else { return nil }
        var reader = MessageReader(body[MessageID.byteCount...])
        guard let count = reader.readArrayHead(), count >= 3, count <= MessageReader.valuesMax,
            let mainFlag = reader.readValue()?.int, let sender = reader.readValue()?.octets,
            let time = reader.readValue()?.int
        else { return nil }
        var subFlag: Int64?
        var payload: [MessageValue] = []
        if count > 3 {
            guard let flag = reader.readValue() else { return nil }
            subFlag = flag.int
            for _ in 4..<max(4, count) {
                guard let value = reader.readValue() else { return nil }
                payload.append(value)
            }
        }
        content = Content(body, id, NodeID(octets: sender), time, payload, mainFlag, subFlag)
    }
}
