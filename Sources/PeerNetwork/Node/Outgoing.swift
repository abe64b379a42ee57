// What a node has decided to send, on its way to the transport.

/// What is to be sent, by links; what was made of the message before is used again where another link wants the same.
struct Outgoing {
    private let compressor: any FrameCompressor
    /// In the order in which the links came.
    private var parts: [(link: LinkID, payloads: [[UInt8]])] = []
    private var places: [LinkID: Int] = [:]
    /// Where the last one was added: often there is one link, or many messages for one.
    private var last = 0
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
        if last >= parts.count || parts[last].link != link { last = place(of: link) }
        parts[last].payloads.append(payload)
        bytes += payload.count
    }

    private mutating func place(of link: LinkID) -> Int {
        if let place = places[link] { return place }
        places[link] = parts.count
        parts.append((link, []))
        return parts.count - 1
    }

    /// Hands it over; nothing is left.
    mutating func send(over transport: any PeerTransport) {
        for part in parts { transport.send(part.payloads, on: part.link) }
        (parts, places, bytes) = ([], [:], 0)
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
