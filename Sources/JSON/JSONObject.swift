// The members of an object, in the order in which they were written, and found by name.

/// Members in the order in which they were written; a name stands once.
///
/// Names are told apart by their code points (RFC 8259 section 8.3). A look-up compares names one by one in a small
/// object and asks an index in a large one; a removal from a large one costs as much as the object is long.
package struct JSONObject: Sendable {
    package private(set) var members: [(name: String, value: JSONValue)] = []
    /// Where each name stands, once there are more than ``plainMax`` members; else empty.
    private var places: [Name: Int] = [:]

    /// A name, hashed and compared as octets: neither costs a Unicode normalisation.
    private struct Name: Hashable, Sendable {
        let text: String

        static func == (left: Name, right: Name) -> Bool { left.text.hasSameCodePoints(as: right.text) }

        func hash(into hasher: inout Hasher) {
            var text = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    /// Up to so many members are looked through one by one.
    private static let plainMax = 12

    package init() {}

    /// These members; of those with the same name the last value counts.
    package init(_ members: some Sequence<(String, JSONValue)>) {
        for (name, value) in members { self[name] = value }
    }

    package var count: Int { members.count }

    package var isEmpty: Bool { members.isEmpty }

    /// The value of the member `name`; setting one keeps its place or adds it at the end, setting nil removes it.
    package subscript(name: String) -> JSONValue? {
        get { index(of: name).map { members[$0].value } }
        set {
            switch (index(of: name), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): remove(at: index)
            case (nil, let value?): add(name, value)
            case (nil, nil): break
            }
        }
    }

    /// Where the member `name` stands in ``members``.
    package func index(of name: String) -> Int? {
        guard members.count > Self.plainMax else {
            return members.firstIndex { $0.name.hasSameCodePoints(as: name) }
        }
        return places[Name(text: name)]
    }

    /// Adds a member at the end; false, and nothing done, if there is one of that name.
    package mutating func append(_ name: String, _ value: JSONValue) -> Bool {
        guard index(of: name) == nil else { return false }
        add(name, value)
        return true
    }

    private mutating func add(_ name: String, _ value: JSONValue) {
        members.append((name, value))
        if members.count == Self.plainMax + 1 {
            indexAll()
        } else if members.count > Self.plainMax {
            places[Name(text: name)] = members.count - 1
        }
    }

    private mutating func remove(at index: Int) {
        members.remove(at: index)
        indexAll()
    }

    private mutating func indexAll() {
        places.removeAll(keepingCapacity: members.count > Self.plainMax)
        guard members.count > Self.plainMax else { return }
        for (index, member) in members.enumerated() { places[Name(text: member.name)] = index }
    }
}

extension JSONObject: Equatable {
    /// Whether both have the same names with equal values, in whatever order.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left.members, right.members).allSatisfy { mine, other in
            // Most are written in the same order.
            mine.name.hasSameCodePoints(as: other.name)
                ? mine.value == other.value
                : right[mine.name].map { $0 == mine.value } ?? false
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
