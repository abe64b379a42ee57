// Media whose octets are known by version and offset, so that a body that is mixed or cut is seen at once.

import HTTP
import TestSupport

/// One version of one medium.
struct FaultyMedium: Sendable {
    /// How it tells one version from another.
    enum Validator: CaseIterable, Sendable {
        case strong
        case weak
        case lastModified
        case none
    }

    /// Unique in one run: what X-Version says.
    let number: Int
    let count: Int
    let validator: Validator
    /// Seconds.
    let maxAge: Int
    private let start: Int

    /// Random octets, shared by all media: each is another stretch of them.
    private static let pool: [UInt8] = {
        var generator = SeededGenerator(seed: 0x5eed)
        return (0..<1 << 20).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }()

    static let countMax = 16 << 10

    init(number: Int, validator: Validator, using generator: inout SeededGenerator) {
        self.number = number
        self.validator = validator
        maxAge = [0, 1, 1, 5, 60].randomElement(using: &generator) ?? 1
        start = Int.random(in: 0..<Self.pool.count - 2 * Self.countMax, using: &generator)
        let limits = [0, 1, 2, 100, 1000, 4000, 12_000, Self.countMax]
        count = Int.random(in: 0...(limits.randomElement(using: &generator) ?? 100), using: &generator)
    }

    /// The octets of a range, which may lie behind the end: what an origin sends too much of.
    func octets(_ range: Range<Int>) -> ArraySlice<UInt8> {
        Self.pool[start + range.lowerBound..<start + range.upperBound]
    }

    /// Whether `octets` are those from `position` on.
    func matches(_ octets: ArraySlice<UInt8>, at position: Int) -> Bool {
        guard position >= 0, position + octets.count <= count else { return octets.isEmpty }
        return self.octets(position..<position + octets.count).withUnsafeBytes { mine in
            octets.withUnsafeBytes { mine.elementsEqual($0) }
        }
    }

    var entityTag: String? {
        switch validator {
        case .strong: "\"v\(number)\""
        case .weak: "W/\"v\(number)\""
        case .lastModified, .none: nil
        }
    }

    var lastModified: String? {
        guard validator == .lastModified else { return nil }
        return String(decoding: HTTPDate.format(Timestamp(seconds: 1_700_000_000 + Int64(number))), as: UTF8.self)
    }

    /// What is said of it; X-Version only with octets, so that it always tells of which version those are.
    func fields(withVersion isVersionTold: Bool) -> Fields {
        var fields: Fields = ["Cache-Control": "max-age=\(maxAge)"]
        if isVersionTold { fields.append("X-Version", "\(number)") }
        if let entityTag { fields.append("ETag", entityTag) }
        if let lastModified { fields.append("Last-Modified", lastModified) }
        return fields
    }
}

extension Fields {
    /// The version that a response says it is of.
    var version: Int? { text("X-Version").flatMap { Int($0) } }
}
