// A node that holds a part of the chord tables, as others of our own know it.

/// A member of the ring: who it is, where on the ring, and where it is reached.
struct RingMember: Sendable, Hashable {
    let id: NodeID
    /// The place of its id on the ring, walked as the papers do: see ``RingNumber/mirrored``.
    let place: RingNumber
    /// Nil: nowhere.
    let address: PeerAddress?

    init(_ id: NodeID, place: RingNumber, _ address: PeerAddress?) {
        (self.id, self.place, self.address) = (id, place, address)
    }

    /// Nil unless the id is a number below 2^384 in base 58, without zeros in front: no two ids are at one place.
    init?(_ id: NodeID, _ address: PeerAddress?) {
        guard let number = RingNumber(base58: id.octets), number.isOnRing, id.octets.first != UInt8(ascii: "1") else {
            return nil
        }
        (self.id, self.place, self.address) = (id, number.mirrored, address)
    }

    /// The member in `value`; nil if there is none.
    init?(_ value: MessageValue) {
        guard let parts = value.elements, parts.count == 2, let id = parts[0].octets, id.count <= 256,
            let address = PeerAddress(parts[1])
        else { return nil }
        self.init(NodeID(octets: id), address)
    }

    /// As it travels.
    var value: MessageValue { .array([.binary(id.octets), address?.value ?? .null]) }

    static func == (a: RingMember, b: RingMember) -> Bool { a.id == b.id }

    func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// The places behind `start`, up to and with `end`; where both are one, all of them.
struct RingRange: Sendable, Hashable {
    let start: RingNumber
    let end: RingNumber

    func contains(_ place: RingNumber) -> Bool { place.isWithin(after: start, upTo: end) }
}
