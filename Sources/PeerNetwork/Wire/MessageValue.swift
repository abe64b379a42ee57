// What a message is made of: the values of msgpack, as far as the networks use them.

/// A value of msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md).
///
/// Texts and octets are different values: a peer that looks for the one does not find the other. Use ``octets`` to compare
/// what both stand for.
public enum MessageValue: Sendable, Hashable {
    /// A name and its value in a map.
    public struct Entry: Sendable, Hashable {
        /// Usually a text.
        public var key: MessageValue
        /// What it stands for.
        public var value: MessageValue

        /// An entry of a map.
        public init(_ key: MessageValue, _ value: MessageValue) {
            (self.key, self.value) = (key, value)
        }
    }

    case null
    case bool(Bool)
    case integer(Int64)
    /// Above what ``integer(_:)`` holds.
    case unsigned(UInt64)
    case double(Double)
    case text(String)
    case binary([UInt8])
    case array([MessageValue])
    /// In the order in which they were written.
    case map([Entry])
    /// An application's own type, -128 to 127, and its octets.
    case extended(Int8, [UInt8])

    /// The octets of a text or of binary data; nil for everything else.
    public var octets: [UInt8]? {
        switch self {
        case .text(let text): Array(text.utf8)
        case .binary(let octets): octets
        default: nil
        }
    }

    /// The number, if it is a whole one that fits.
    public var int: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The elements of an array; nil for everything else.
    public var elements: [MessageValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// A map with some of its entries changed or added; nil if it is no map.
    func changed(by changes: [Entry]) -> MessageValue? {
        guard case .map(var entries) = self else { return nil }
        // By key, as both may have hundreds of thousands; what is not like itself is found nowhere (no number, in 754's sense).
        var places: [MessageValue: Int] = [:]
        for (index, entry) in entries.enumerated() where entry.key == entry.key && places[entry.key] == nil {
            places[entry.key] = index
        }
        for change in changes {
            let isFindable = change.key == change.key
            if isFindable, let index = places[change.key] {
                entries[index].value = change.value
            } else {
                if isFindable { places[change.key] = entries.count }
                entries.append(change)
            }
        }
        return .map(entries)
    }

    /// What it takes in memory, in octets, about: never less than when it is written.
    var bytes: Int {
        let own = 32
        return switch self {
        case .null, .bool, .integer, .unsigned, .double: own
        case .text(let text): own + text.utf8.count
        case .binary(let octets), .extended(_, let octets): own + octets.count
        case .array(let elements): elements.reduce(own) { $0 + $1.bytes }
        case .map(let entries): entries.reduce(own) { $0 + $1.key.bytes + $1.value.bytes }
        }
    }

    /// Whether others can read it: not too deep, and made of no more than `itemsMax` values.
    func isReadable(itemsMax: Int = MessageReader.itemsMax, depthMax: Int = MessageReader.depthMax) -> Bool {
        var itemsLeft = itemsMax
        return count(downFrom: &itemsLeft, depthMax)
    }

    private func count(downFrom itemsLeft: inout Int, _ depthMax: Int) -> Bool {
        itemsLeft -= 1
        guard itemsLeft >= 0, depthMax >= 0 else { return false }
        switch self {
        case .array(let elements): return elements.allSatisfy { $0.count(downFrom: &itemsLeft, depthMax - 1) }
        case .map(let entries):
            return entries.allSatisfy { entry in
                entry.key.count(downFrom: &itemsLeft, depthMax - 1)
                    && entry.value.count(downFrom: &itemsLeft, depthMax - 1)
            }
        default: return true
        }
    }

    /// Whether Python takes it for true: what py2p asks of a value in a table.
    var isTruthy: Bool {
        switch self {
        case .null: false
        case .bool(let isTrue): isTrue
        case .integer(let number): number != 0
        case .unsigned: true
        case .double(let number): number != 0
        case .text(let text): !text.isEmpty
        case .binary(let octets): !octets.isEmpty
        case .array(let elements): !elements.isEmpty
        case .map(let entries): !entries.isEmpty
        case .extended: true
        }
    }
}

extension MessageValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    /// A text.
    public init(stringLiteral text: String) { self = .text(text) }
    /// A whole number.
    public init(integerLiteral number: Int64) { self = .integer(number) }
}
