// Every number that has a meaning on the wire, in one table for all networks.

/// What a message is for the network: the first item of each.
enum MainFlag {
    static let broadcast: Int64 = 0x00
    static let renegotiate: Int64 = 0x01
    static let whisper: Int64 = 0x02
}

/// What a message is about: the first item behind its time.
enum SubFlag {
    static let broadcast: Int64 = 0x00
    static let compression: Int64 = 0x01
    static let whisper: Int64 = 0x02
    static let handshake: Int64 = 0x05
    static let notify: Int64 = 0x06
    static let peers: Int64 = 0x07
    static let request: Int64 = 0x08
    static let resend: Int64 = 0x09
    static let response: Int64 = 0x0a
    static let store: Int64 = 0x0b
    static let retrieve: Int64 = 0x0c
    static let retrieved: Int64 = 0x0d
    static let delta: Int64 = 0x11
    /// Of our own, as what py2p does not know it ignores: who says so speaks this implementation's extensions, and takes part for
    /// so many seconds.
    static let hello: Int64 = 0x30
    /// Of our own: a key of a sync table as another node has it, deleted ones too.
    static let merge: Int64 = 0x31
    /// Of our own: ids of messages that are there for who asks.
    static let announce: Int64 = 0x32
    /// Of our own: send me these, and from now on everything.
    static let graft: Int64 = 0x33
    /// Of our own: announce messages to me from now on, as they come on another link too.
    static let prune: Int64 = 0x34
    /// Of our own: who are your neighbours on the ring? With the asker, and whether it takes this node for its successor.
    static let ringAsk: Int64 = 0x35
    /// Of our own: the neighbours on the ring.
    static let ringState: Int64 = 0x36
    /// Of our own: a question or a value for whoever has a place on the ring.
    static let ringRoute: Int64 = 0x37
    /// Of our own: a message that comes behind this is really from who says to have sent it.
    static let vouch: Int64 = 0x38
    /// Of our own: what became of what was routed.
    static let ringAnswer: Int64 = 0x39
    /// Of our own: entries of the chord tables, to be kept.
    static let ringEntries: Int64 = 0x3a
    /// Of our own: what the owner of a range has in it, in sums.
    static let ringDigest: Int64 = 0x3b
    /// Of our own: what another has of it, one by one.
    static let ringVersions: Int64 = 0x3c
    /// Of our own: entries that the asker has not, or older.
    static let ringWant: Int64 = 0x3d
    /// Of our own: the sender leaves the ring.
    static let ringLeave: Int64 = 0x3e
    /// Of our own: the names of keys, and a sum of all of them.
    static let keyNames: Int64 = 0x3f
    /// Of our own: what a sync table comes to, to be compared.
    static let digest: Int64 = 0x40
}

/// A way to make frames smaller, by the number that stands for it in a handshake.
public struct CompressionMethod: RawRepresentable, Sendable, Hashable {
    /// No peer knows more than that: the numbers 0x10 to 0x20 have names.
    static let countMax = 64

    /// The number on the wire.
    public let rawValue: Int64

    /// The method with this number, whether anybody knows it or not.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// One bzip2 stream.
    public static let bzip2 = CompressionMethod(rawValue: 0x10)
    /// RFC 1952.
    public static let gzip = CompressionMethod(rawValue: 0x11)
    /// The .xz container.
    public static let lzma = CompressionMethod(rawValue: 0x12)
    /// RFC 1950.
    public static let zlib = CompressionMethod(rawValue: 0x13)
}

/// Makes frames smaller and larger again; called on any thread.
public protocol FrameCompressor: Sendable {
    /// What it knows, in the order in which it is preferred.
    var methods: [CompressionMethod] { get }

    /// `body` in fewer octets, or in more: some are small already. Nil if it does not know `method`.
    func compress(_ body: [UInt8], by method: CompressionMethod) -> [UInt8]?

    /// What `payload` was made of; nil if it was not made by `method`, or of more than `lengthMax` octets.
    func decompress(_ payload: ArraySlice<UInt8>, by method: CompressionMethod, lengthMax: Int) -> [UInt8]?
}

/// Knows no method: every frame is plain.
public struct PlainFrames: FrameCompressor {
    /// The only one there is.
    public init() {}

    /// None.
    public var methods: [CompressionMethod] { [] }

    /// Nil.
    public func compress(_ body: [UInt8], by method: CompressionMethod) -> [UInt8]? { nil }

    /// Nil.
    public func decompress(_ payload: ArraySlice<UInt8>, by method: CompressionMethod, lengthMax: Int) -> [UInt8]? {
        nil
    }
}
