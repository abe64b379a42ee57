// The parsing algorithms of Structured Fields, step by step as RFC 9651 section 4.2 gives them.

/// Reads one value from the front of its octets; any deviation fails.
struct StructuredFieldParser {
    /// The octets are not what was asked for.
    struct Failure: Error {}

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skipSpaces() {
        while peek == 0x20 { position += 1 }
    }

    /// Section 4.2.1.
    mutating func list() throws(Failure) -> [StructuredFields.Member] {
        var members: [StructuredFields.Member] = []
        while !isAtEnd {
            members.append(try member())
            try passComma()
        }
        return members
    }

    /// Section 4.2.2.
    mutating func dictionary() throws(Failure) -> StructuredFields.Entries<StructuredFields.Member> {
        var entries = StructuredFields.Entries<StructuredFields.Member>()
        while !isAtEnd {
            let name = try key()
            if take(0x3d) {
                entries[name] = try member()
            } else {
                var item = StructuredFields.Item(.boolean(true))
                item.parameters = try parameters()
                entries[name] = .item(item)
            }
            try passComma()
        }
        return entries
    }

    /// Section 4.2.3.
    mutating func item() throws(Failure) -> StructuredFields.Item {
        var item = StructuredFields.Item(try bareItem())
        item.parameters = try parameters()
        return item
    }

    // MARK: Structure

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ octet: UInt8) -> Bool {
        guard peek == octet else { return false }
        position += 1
        return true
    }

    private mutating func next() throws(Failure) -> UInt8 {
        guard let octet = peek else { throw Failure() }
        position += 1
        return octet
    }

    /// The comma after a member and the whitespace around it; nothing if the end was reached.
    private mutating func passComma() throws(Failure) {
        skipWhitespace()
        if isAtEnd { return }
        guard take(0x2c) else { throw Failure() }
        skipWhitespace()
        // A trailing comma is an error.
        if isAtEnd { throw Failure() }
    }

    private mutating func skipWhitespace() {
        while let octet = peek, Octet.isWhitespace(octet) { position += 1 }
    }

    private mutating func member() throws(Failure) -> StructuredFields.Member {
        guard peek == 0x28 else { return .item(try item()) }
        return .innerList(try innerList())
    }

    /// Section 4.2.1.2.
    private mutating func innerList() throws(Failure) -> StructuredFields.InnerList {
        position += 1
        var list = StructuredFields.InnerList()
        while !isAtEnd {
            skipSpaces()
            if take(0x29) {
                list.parameters = try parameters()
                return list
            }
            list.items.append(try item())
            guard peek == 0x20 || peek == 0x29 else { throw Failure() }
        }
        throw Failure()
    }

    /// Section 4.2.3.2.
    private mutating func parameters() throws(Failure) -> StructuredFields.Entries<StructuredFields.BareItem> {
        var entries = StructuredFields.Entries<StructuredFields.BareItem>()
        while take(0x3b) {
            skipSpaces()
            let name = try key()
            entries[name] = take(0x3d) ? try bareItem() : .boolean(true)
        }
        return entries
    }

    /// Section 4.2.3.3.
    private mutating func key() throws(Failure) -> String {
        let start = position
        guard let first = peek, isLowercase(first) || first == 0x2a else { throw Failure() }
        while let octet = peek, isLowercase(octet) || Octet.isDigit(octet) || [0x5f, 0x2d, 0x2e, 0x2a].contains(octet) {
            position += 1
        }
        return text(from: start)
    }

    private func isLowercase(_ octet: UInt8) -> Bool { octet &- 0x61 < 26 }

    private func isLetter(_ octet: UInt8) -> Bool { isLowercase(Octet.lowercased(octet)) }

    private func text(from start: Int) -> String {
        String(decoding: bytes[start..<position], as: UTF8.self)
    }

    // MARK: Bare items

    /// Section 4.2.3.1.
    private mutating func bareItem() throws(Failure) -> StructuredFields.BareItem {
        guard let first = peek else { throw Failure() }
        switch first {
        case 0x2d, 0x30...0x39: return try number()
        case 0x22: return .string(try string())
        case 0x3a: return .bytes(try byteSequence())
        case 0x3f: return try boolean()
        case 0x40:
            position += 1
            guard case .integer(let seconds) = try number() else { throw Failure() }
            return .date(seconds)
        case 0x25: return .displayString(try displayString())
        case _ where isLetter(first) || first == 0x2a: return .token(token())
        default: throw Failure()
        }
    }

    /// Section 4.2.4.
    private mutating func number() throws(Failure) -> StructuredFields.BareItem {
        let sign: Int64 = take(0x2d) ? -1 : 1
        let start = position
        while let octet = peek, Octet.isDigit(octet), position - start < 16 { position += 1 }
        let digits = position - start
        guard digits > 0, digits <= 15, let whole = bytes[start..<position].span.decimal else { throw Failure() }
        guard peek == 0x2e else { return .integer(sign * whole) }
        guard digits <= 12 else { throw Failure() }
        position += 1
        var thousandths = whole
        var fraction = 0
        while let octet = peek, Octet.isDigit(octet) {
            guard fraction < 3 else { throw Failure() }
            thousandths = thousandths * 10 + Int64(octet - 0x30)
            fraction += 1
            position += 1
        }
        guard fraction > 0 else { throw Failure() }
        for _ in fraction..<3 { thousandths *= 10 }
        return .decimal(thousandths: sign * thousandths)
    }

    /// Section 4.2.5.
    private mutating func string() throws(Failure) -> String {
        position += 1
        var output: [UInt8] = []
        while true {
            var octet = try next()
            if octet == 0x22 { return String(decoding: output, as: UTF8.self) }
            if octet == 0x5c {
                octet = try next()
                guard octet == 0x22 || octet == 0x5c else { throw Failure() }
            }
            guard (0x20...0x7e).contains(octet) else { throw Failure() }
            output.append(octet)
        }
    }

    /// Section 4.2.6.
    private mutating func token() -> String {
        let start = position
        while let octet = peek, Octet.isToken(octet) || octet == 0x3a || octet == 0x2f { position += 1 }
        return text(from: start)
    }

    /// Section 4.2.7: base64, its padding may be missing.
    private mutating func byteSequence() throws(Failure) -> [UInt8] {
        position += 1
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        var padding = 0
        while true {
            let octet = try next()
            if octet == 0x3a { break }
            if octet == 0x3d {
                padding += 1
                continue
            }
            guard padding == 0, let value = base64Value(octet) else { throw Failure() }
            bits = bits << 6 | value
            count += 1
            if count % 4 != 1 { output.append(UInt8(truncatingIfNeeded: bits >> [0, 0, 4, 2][count % 4])) }
        }
        guard count % 4 != 1, padding == 0 || (count + padding) % 4 == 0 && padding <= 2 else { throw Failure() }
        return output
    }

    private func base64Value(_ octet: UInt8) -> UInt32? {
        switch octet {
        case 0x41...0x5a: UInt32(octet - 0x41)
        case 0x61...0x7a: UInt32(octet - 0x61) + 26
        case 0x30...0x39: UInt32(octet - 0x30) + 52
        case 0x2b: 62
        case 0x2f: 63
        default: nil
        }
    }

    /// Section 4.2.8.
    private mutating func boolean() throws(Failure) -> StructuredFields.BareItem {
        position += 1
        switch try next() {
        case 0x31: return .boolean(true)
        case 0x30: return .boolean(false)
        default: throw Failure()
        }
    }

    /// Section 4.2.10: percent-encoded UTF-8 with lower-case digits.
    private mutating func displayString() throws(Failure) -> String {
        position += 1
        guard take(0x22) else { throw Failure() }
        var output: [UInt8] = []
        while true {
            let octet = try next()
            guard (0x20...0x7e).contains(octet) else { throw Failure() }
            switch octet {
            case 0x25:
                let high = try hexDigit()
                output.append(high << 4 | (try hexDigit()))
            case 0x22:
                guard let text = String(validating: output, as: UTF8.self) else { throw Failure() }
                return text
            default: output.append(octet)
            }
        }
    }

    private mutating func hexDigit() throws(Failure) -> UInt8 {
        let octet = try next()
        switch octet {
        case 0x30...0x39: return octet - 0x30
        case 0x61...0x66: return octet - 0x61 + 10
        default: throw Failure()
        }
    }
}
