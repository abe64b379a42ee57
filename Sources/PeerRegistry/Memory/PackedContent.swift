// What a peer registered, in one run of octets: a million of them fit into a few hundred MiB.

package import HTTP
import PeerIdentity

/// The content of an entry as one allocation; the compact record is rebuilt from it.
///
/// Layout: flags, lengths of the parts (u16, big-endian): text, folded name (0: the octets of the text), URL, sealing key
/// of suite 2, handover; then for a signed record key 32, X25519 key 32, signature 64, `seq`, `iat`, `exp` (u64 each) and
/// `ttl` (u32); then the parts in that order.
package struct PackedContent: Sendable, Hashable {
    /// All of it.
    package let octets: [UInt8]

    static let isSigned: UInt8 = 1
    private static let hasXWing: UInt8 = 2
    private static let hasHandover: UInt8 = 4
    static let allFlags = isSigned | hasXWing | hasHandover
    static let partCount = 5
    static let headCount = 1 + 2 * partCount
    static let signedCount = 32 + 32 + 64 + 8 + 8 + 8 + 4

    /// Packs `content`; nil if a part is longer than any valid one can be.
    package init?(_ content: PeerEntry.Content) {
        let identifier: PeerIdentifier
        let url: PeerURL
        var record: PeerRecord?
        var flags: UInt8 = 0
        switch content {
        case .signed(let signed):
            (identifier, url) = (signed.record.identifier, signed.record.url)
            record = signed.record
            flags = PackedContent.isSigned
            guard signed.signature.count == 64, signed.record.sealingKeys.x25519.count == 32 else { return nil }
            if signed.record.sealingKeys.xWing != nil { flags |= PackedContent.hasXWing }
            if signed.record.handover != nil { flags |= PackedContent.hasHandover }
        case .plain(let plain, let plainURL): (identifier, url) = (plain, plainURL)
        }
        let text = Array(identifier.text.utf8)
        let folded = Array(identifier.folded.utf8)
        let parts: [[UInt8]] = [
            text, folded == text ? [] : folded, Array(url.text.utf8), record?.sealingKeys.xWing ?? [],
            record?.handover.map { Array($0.utf8) } ?? [],
        ]
        let total = parts.reduce(PackedContent.headCount + PackedContent.signedCount) { $0 + $1.count }
        var packed: [UInt8] = []
        packed.reserveCapacity(total - (record == nil ? PackedContent.signedCount : 0))
        packed.append(flags)
        for part in parts {
            guard let count = UInt16(exactly: part.count) else { return nil }
            packed.append(UInt8(count >> 8))
            packed.append(UInt8(truncatingIfNeeded: count))
        }
        if case .signed(let signed) = content {
            packed.append(contentsOf: signed.record.key.octets)
            packed.append(contentsOf: signed.record.sealingKeys.x25519)
            packed.append(contentsOf: signed.signature)
            packed.append(bigEndian: signed.record.sequence, count: 8)
            packed.append(bigEndian: UInt64(bitPattern: signed.record.issuedAt), count: 8)
            packed.append(bigEndian: UInt64(bitPattern: signed.record.expiresAt), count: 8)
            packed.append(bigEndian: UInt64(clamping: signed.record.ttlSeconds), count: 4)
        }
        for part in parts { packed.append(contentsOf: part) }
        octets = packed
    }

    /// Octets of which the layout is known to be right.
    init(whole octets: [UInt8]) {
        self.octets = octets
    }

    /// Whether a key signed it.
    package var isSigned: Bool { octets[0] & PackedContent.isSigned != 0 }

    private func count(ofPart part: Int) -> Int { Int(octets[1 + 2 * part]) << 8 | Int(octets[2 + 2 * part]) }

    private var partsStart: Int { PackedContent.headCount + (isSigned ? PackedContent.signedCount : 0) }

    private func range(ofPart part: Int) -> Range<Int> {
        let start = (0..<part).reduce(partsStart) { $0 + count(ofPart: $1) }
        return start..<start + count(ofPart: part)
    }

    /// Where the name stands as its peer writes it.
    package var text: Range<Int> { range(ofPart: 0) }

    /// Where the folded name stands.
    package var name: Range<Int> { count(ofPart: 1) == 0 ? range(ofPart: 0) : range(ofPart: 1) }

    /// Where the URL stands.
    package var url: Range<Int> { range(ofPart: 2) }

    /// Where the key stands; only if ``isSigned``.
    package var key: Range<Int> { PackedContent.headCount..<PackedContent.headCount + 32 }

    /// Where the signature stands; only if ``isSigned``.
    package var signature: Range<Int> { PackedContent.headCount + 64..<PackedContent.headCount + 128 }

    private func number(at offset: Int, count: Int) -> UInt64 {
        let start = PackedContent.headCount + offset
        return octets[start..<start + count].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// `seq`; only if ``isSigned``.
    package var sequence: UInt64 { number(at: 128, count: 8) }

    /// `exp`; only if ``isSigned``.
    package var expiresAt: Int64 { Int64(bitPattern: number(at: 144, count: 8)) }

    /// `ttl`; only if ``isSigned``.
    package var ttlSeconds: Int { Int(number(at: 152, count: 4)) }

    /// The content again; nil only if it was not packed by this type.
    package var content: PeerEntry.Content? {
        func part(_ index: Int) -> String { String(decoding: octets[range(ofPart: index)], as: UTF8.self) }
        // What was packed was valid, so neither throws.
        guard let identifier = try? PeerIdentifier(part(0)), let address = try? PeerURL(part(2)) else { return nil }
        guard isSigned else { return .plain(identifier, address) }
        guard let peerKey = PeerKey(octets[key]) else { return nil }
        let start = PackedContent.headCount
        let record = PeerRecord(
            identifier: identifier,
            url: address,
            key: peerKey,
            sealingKeys: SealingKeySet(
                x25519: Array(octets[start + 32..<start + 64]),
                xWing: octets[0] & PackedContent.hasXWing == 0 ? nil : Array(octets[range(ofPart: 3)])
            ),
            sequence: sequence,
            issuedAt: Int64(bitPattern: number(at: 136, count: 8)),
            expiresAt: expiresAt,
            ttlSeconds: ttlSeconds,
            handover: octets[0] & PackedContent.hasHandover == 0 ? nil : part(4)
        )
        return .signed(SignedPeerRecord(record: record, signature: Array(octets[signature])))
    }
}

/// An entry whose content is packed: what the express lane and the batch read.
package struct PackedEntry: Sendable {
    package let content: PackedContent
    package var presentUntil: Timestamp
    package var isPresent: Bool
    package var heldSince: Timestamp
    package var heldUntil: Timestamp
    package var renewals: UInt64
    package var revision: UInt64

    /// Packs `entry`; nil if a part of it is longer than any valid one can be.
    package init?(_ entry: PeerEntry) {
        guard let content = PackedContent(entry.content) else { return nil }
        self.content = content
        (presentUntil, isPresent) = (entry.presentUntil, entry.isPresent)
        (heldSince, heldUntil) = (entry.heldSince, entry.heldUntil)
        (renewals, revision) = (entry.renewals, entry.revision)
    }

    /// The entry again.
    package var entry: PeerEntry? {
        content.content.map { content in
            PeerEntry(
                content: content,
                presentUntil: presentUntil,
                isPresent: isPresent,
                heldSince: heldSince,
                heldUntil: heldUntil,
                renewals: renewals,
                revision: revision
            )
        }
    }

    /// When something is next to be done about it.
    package var dueAt: Timestamp { isPresent ? presentUntil : heldUntil }
}

extension [UInt8] {
    /// Appends the low `count` octets of `value`, highest first.
    mutating func append(bigEndian value: UInt64, count: Int) {
        for shift in stride(from: 8 * (count - 1), through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}
