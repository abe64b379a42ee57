// One message: what is said, by whom and when, and the octets that are handed on as they came.

/// A message of a network, as it was made or as it came.
///
/// Its octets stay as they are: who relays it must not write it anew, as its checksum is its name.
public struct PeerMessage: Sendable {
    /// Checksum and packed form: what a frame holds before it is compressed.
    public let body: [UInt8]
    /// What tells it from every other.
    public let id: MessageID
    /// Who says to have sent it: anybody can say that, unless ``isSigned``.
    public let sender: NodeID
    /// When it says that it was sent, in whole seconds since 1970, UTC.
    public let time: Int64
    /// What is said.
    public let payload: [MessageValue]
    /// What proves that it is the sender's; nil: nothing has come that does.
    package internal(set) var proof: MessageProof?
    let mainFlag: Int64
    /// Nil: it is none that the networks know, or there is none.
    let subFlag: Int64?

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
        id = MessageID(ofPacked: octets[MessageID.byteCount...])
        octets.replaceSubrange(..<MessageID.byteCount, with: id.octets)
        body = octets
        (self.mainFlag, self.subFlag, self.sender, self.time, self.payload) = (mainFlag, subFlag, sender, time, payload)
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
        (self.body, self.id, self.mainFlag, self.subFlag) = (body, id, mainFlag, subFlag)
        (self.sender, self.time, self.payload) = (NodeID(octets: sender), time, payload)
    }
}
