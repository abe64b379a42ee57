// The keys in Redis, all below one prefix.

/// What is kept where.
struct RedisKeys: Sendable {
    /// The version of all that is below the prefix.
    let format: [UInt8]
    /// 32 octets.
    let secret: [UInt8]
    /// The revision of the last change.
    let revision: [UInt8]
    /// A stream whose identifiers are revisions.
    let events: [UInt8]
    /// An ordered set of the folded names that are present; all scores 0, so in the order of their octets.
    let present: [UInt8]
    /// An ordered set of all folded names by the microsecond at which something is to be done about them.
    let due: [UInt8]
    /// Before a folded name: its entry.
    let peer: [UInt8]

    /// The version that this code reads and writes.
    static let currentFormat: [UInt8] = Array("1".utf8)

    init(prefix: String) {
        func key(_ name: String) -> [UInt8] { Array((prefix + name).utf8) }
        (format, secret, revision) = (key("format"), key("secret"), key("revision"))
        (events, present, due, peer) = (key("events"), key("present"), key("due"), key("peer:"))
    }
}
