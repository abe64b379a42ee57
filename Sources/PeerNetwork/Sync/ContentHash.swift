// What a value comes to in eight octets, the same on every machine and in every process.

/// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), mixed at its end; against mistakes, not against who looks for collisions.
struct ContentHash {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ octet: UInt8) { state = (state ^ UInt64(octet)) &* 0x100_0000_01b3 }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { add(UInt8(truncatingIfNeeded: number >> UInt64(shift))) }
    }

    /// FNV-1a alone leaves the last octets in the low bits.
    var value: UInt64 {
        let mixed = (state ^ state >> 33) &* 0xff51_afd7_ed55_8ccd
        return mixed ^ mixed >> 33
    }
}

extension MessageValue {
    /// What it comes to: 0 for nothing, and the same for maps whose entries are in another order.
    var digest: UInt64 {
        var hash = ContentHash()
        switch self {
        case .null: return 0
        case .map(let entries):
            hash.add(1 as UInt8)
            hash.add(
                entries.reduce(0 as UInt64) { sum, entry in
                    var part = ContentHash()
                    part.add(entry.key.digest)
                    part.add(entry.value.digest)
                    return sum &+ part.value
                }
            )
        case .array(let elements):
            hash.add(2 as UInt8)
            for element in elements { hash.add(element.digest) }
        default:
            var octets: [UInt8] = []
            write(to: &octets)
            for octet in octets { hash.add(octet) }
        }
        return max(1, hash.value)
    }
}
