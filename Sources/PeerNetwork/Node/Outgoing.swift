// What a node has decided to send, on its way to the transport.

/// What is to be sent, by links; what was made of the message before is used again where another link wants the same.
struct Outgoing {
    private let compressor: any FrameCompressor
    private var payloads: [LinkID: [[UInt8]]] = [:]
    /// The links, in the order in which they came.
    private var order: [LinkID] = []
    private var id: MessageID?
    private var made: [CompressionMethod: [UInt8]] = [:]
    /// Up to this many octets messages are compressed whatever comes of it, as by py2p.
    private static let smallBytesMax = 4096
    /// What is to be sent, in octets.
    private(set) var bytes = 0

    init(_ compressor: any FrameCompressor) {
        self.compressor = compressor
    }

    mutating func add(_ message: PeerMessage, _ method: CompressionMethod?, on link: LinkID) {
        let payload = method.map { self.payload(of: message, $0) } ?? message.body
        if payloads[link, default: []].isEmpty { order.append(link) }
        payloads[link, default: []].append(payload)
        bytes += payload.count
    }

    /// Hands it over; nothing is left.
    mutating func send(over transport: any PeerTransport) {
        for link in order { transport.send(payloads.removeValue(forKey: link) ?? [], on: link) }
        (order, bytes) = ([], 0)
    }

    private mutating func payload(of message: PeerMessage, _ method: CompressionMethod) -> [UInt8] {
        if id != message.id { (id, made) = (message.id, [:]) }
        if let payload = made[method] { return payload }
        // What cannot be made smaller goes as it is: plain frames are always taken, and a large one that grew would be too long.
        var payload = compressor.compress(message.body, by: method) ?? message.body
        if payload.count >= message.body.count, message.body.count > Self.smallBytesMax { payload = message.body }
        made[method] = payload
        return payload
    }
}
