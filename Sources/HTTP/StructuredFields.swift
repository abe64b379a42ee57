// Structured Fields (RFC 9651): the values that dictionaries, lists and items are read into.
//
// Ours rather than swift-http-structured-headers 1.7.0: its raw parser leaves byte sequences undecoded, and a parser of
// octets in one file costs less than a package in every build. Its fixtures served to check this one.

/// The value types of RFC 9651 section 3.
package enum StructuredFields {
    /// A value without parameters (section 3.3).
    package enum BareItem: Sendable, Equatable {
        /// At most 15 digits.
        case integer(Int64)
        /// In thousandths: `1.5` is 1500.
        case decimal(thousandths: Int64)
        case string(String)
        case token(String)
        case bytes([UInt8])
        case boolean(Bool)
        /// Seconds since the Unix epoch.
        case date(Int64)
        case displayString(String)
    }

    /// Key and value pairs in order; a repeated key has the place of the first and the value of the last (section 4.2.3.2).
    package struct Entries<Value: Sendable & Equatable>: Sendable, Equatable {
        package private(set) var keys: [String] = []
        package private(set) var values: [Value] = []

        package init() {}

        package var isEmpty: Bool { keys.isEmpty }

        /// The value of `key`.
        package subscript(key: String) -> Value? {
            get { keys.firstIndex(of: key).map { values[$0] } }
            set {
                let index = keys.firstIndex(of: key)
                switch (index, newValue) {
                case (let index?, let value?): values[index] = value
                case (nil, let value?):
                    keys.append(key)
                    values.append(value)
                case (let index?, nil):
                    keys.remove(at: index)
                    values.remove(at: index)
                case (nil, nil): break
                }
            }
        }
    }

    /// A value with parameters (section 3.3).
    package struct Item: Sendable, Equatable {
        package var value: BareItem
        package var parameters = Entries<BareItem>()

        package init(_ value: BareItem) {
            self.value = value
        }
    }

    /// A list within a list or dictionary (section 3.1.1).
    package struct InnerList: Sendable, Equatable {
        package var items: [Item] = []
        package var parameters = Entries<BareItem>()

        package init() {}
    }

    /// A member of a list or dictionary.
    package enum Member: Sendable, Equatable {
        case item(Item)
        case innerList(InnerList)
    }

    /// All lines as one dictionary, empty if there is nothing in them; nil if they are none (section 4.2.2).
    package static func parseDictionary(_ lines: [ArraySlice<UInt8>]) -> Entries<Member>? {
        parse(lines) { (parser) throws(StructuredFieldParser.Failure) in try parser.dictionary() }
    }

    /// All lines as one list, empty if there is nothing in them; nil if they are none (section 4.2.1).
    package static func parseList(_ lines: [ArraySlice<UInt8>]) -> [Member]? {
        parse(lines) { (parser) throws(StructuredFieldParser.Failure) in try parser.list() }
    }

    /// All lines as one item; nil if they are none (section 4.2.3).
    package static func parseItem(_ lines: [ArraySlice<UInt8>]) -> Item? {
        parse(lines) { (parser) throws(StructuredFieldParser.Failure) in try parser.item() }
    }

    /// Section 4.2: lines are joined, spaces around skipped, and nothing may be left over.
    private static func parse<Value>(
        _ lines: [ArraySlice<UInt8>],
        _ body: (inout StructuredFieldParser) throws(StructuredFieldParser.Failure) -> Value
    ) -> Value? {
        var parser = StructuredFieldParser(Array(lines.joined(separator: [0x2c, 0x20])))
        do throws(StructuredFieldParser.Failure) {
            parser.skipSpaces()
            let value = try body(&parser)
            parser.skipSpaces()
            return parser.isAtEnd ? value : nil
        } catch {
            return nil
        }
    }
}
