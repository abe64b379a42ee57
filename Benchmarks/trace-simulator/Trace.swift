// A trace of requests: who was asked for, in which order, and how large each is.

/// Requests for objects that have sizes.
///
/// An object stands for what the cache evicts as a whole: a segment of a body, or a small response. Objects are numbered from
/// zero on, so that a policy can keep its state in arrays.
struct Trace {
    let name: String
    /// Whether it is one of those that media make: the target of 15 % is for these.
    let isMedia: Bool
    /// The object of each request.
    let requests: [Int32]
    /// Octets of each object.
    let sizes: [Int64]
    /// The body that each object is a segment of, and which one; the only one of a body of its own by default.
    let segments: [(body: UInt64, index: Int)]

    /// A trace of `keys`, which are numbered in the order in which they come.
    ///
    /// `size` says how large an object is, `segment` which segment of which body.
    init(
        _ name: String,
        isMedia: Bool,
        keys: some Collection<UInt64>,
        size: (UInt64) -> Int64,
        segment: (UInt64) -> (body: UInt64, index: Int) = { ($0, 0) }
    ) {
        var numbers: [UInt64: Int32] = [:]
        var sizes: [Int64] = []
        var segments: [(body: UInt64, index: Int)] = []
        self.name = name
        self.isMedia = isMedia
        requests = keys.map { key in
            if let number = numbers[key] { return number }
            let number = Int32(sizes.count)
            numbers[key] = number
            sizes.append(max(1, size(key)))
            segments.append(segment(key))
            return number
        }
        self.sizes = sizes
        self.segments = segments
    }

    /// Octets of all objects together: a cache of that size would miss each once.
    var workingSetBytes: Int64 { sizes.reduce(0, +) }

    /// For each request, the position of the next one for the same object; `Int32.max` if there is none.
    var nextUses: [Int32] {
        var next = [Int32](repeating: .max, count: requests.count)
        var seen = [Int32](repeating: .max, count: sizes.count)
        for position in requests.indices.reversed() {
            let object = Int(requests[position])
            next[position] = seen[object]
            seen[object] = Int32(position)
        }
        return next
    }
}
