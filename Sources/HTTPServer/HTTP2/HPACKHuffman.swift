// The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B), read eight bits at a time.

/// Decodes Huffman-coded strings; made once, as all decoders of a server share its tables.
///
/// The code is canonical: codes of one length follow each other in the order of their symbols. So the lengths alone
/// say what it is, and a code longer than eight bits is found by comparing it with the first code of each length.
struct HPACKHuffman: Sendable {
    /// What eight bits begin with: the symbol and the length of its code, or length 0 if the code is longer.
    private struct Short {
        var symbol: UInt8 = 0
        var length: UInt8 = 0
    }

    /// The codes of one length.
    private struct Group {
        let length: Int
        /// The first code that is too great for this length, its bits at the top of 32.
        let end: UInt32
        let firstCode: UInt32
        /// Where its symbols begin in ``symbols``.
        let start: Int
    }

    private let short: [Short]
    private let groups: [Group]
    /// The symbols in the order of their codes; 256 is EOS.
    private let symbols: [UInt16]

    static let shared = HPACKHuffman()

    private init() {
        let order = (0...256).sorted { (HPACKHuffman.lengths[$0], $0) < (HPACKHuffman.lengths[$1], $1) }
        symbols = order.map { UInt16($0) }
        var short = [Short](repeating: Short(), count: 256)
        var groups: [Group] = []
        var code: UInt32 = 0
        var at = 0
        for length in 5...30 {
            let firstCode = code
            let start = at
            while at < order.count, Int(HPACKHuffman.lengths[order[at]]) == length {
                if length <= 8 {
                    let first = Int(code) << (8 - length)
                    for index in first..<first + (1 << (8 - length)) {
                        short[index] = Short(symbol: UInt8(order[at]), length: UInt8(length))
                    }
                }
                at += 1
                code += 1
            }
            if at > start, length > 8 {
                // The last code of 30 bits is all ones: nothing is beyond it.
                let end = length == 30 ? UInt32.max : code << UInt32(32 - length)
                groups.append(Group(length: length, end: end, firstCode: firstCode, start: start))
            }
            code <<= 1
        }
        self.short = short
        self.groups = groups
    }

    /// Appends what `input` spells to `output`; false if it is no code, or is not padded as it must be.
    ///
    /// `output` grows to at most 8/5 of the input.
    func decode(_ input: Span<UInt8>, into output: inout [UInt8]) -> Bool {
        var bits: UInt64 = 0
        var count = 0
        var at = 0
        while true {
            while count <= 48, at < input.count {
                bits |= UInt64(input[at]) &<< UInt64(56 &- count)
                at &+= 1
                count &+= 8
            }
            let found = short[Int(truncatingIfNeeded: bits &>> 56)]
            if found.length != 0, Int(found.length) <= count {
                output.append(found.symbol)
                bits &<<= UInt64(found.length)
                count &-= Int(found.length)
                continue
            }
            if found.length != 0 || count < 8 { break }
            guard let (symbol, length) = long(UInt32(truncatingIfNeeded: bits &>> 32)), length <= count else { break }
            // RFC 7541 section 5.2: EOS within a string is an error.
            guard symbol < 256 else { return false }
            output.append(UInt8(symbol))
            bits &<<= UInt64(length)
            count &-= length
        }
        // What is left is padding: less than an octet, and the first bits of EOS, which are ones.
        guard at == input.count, count < 8 else { return false }
        return count == 0 || bits &>> UInt64(64 &- count) == (1 &<< UInt64(count)) &- 1
    }

    /// The symbol whose code `bits` begins with.
    private func long(_ bits: UInt32) -> (symbol: UInt16, length: Int)? {
        for group in groups where bits < group.end || group.length == 30 {
            let code = bits &>> UInt32(32 &- group.length)
            guard code >= group.firstCode else { return nil }
            let index = group.start &+ Int(code &- group.firstCode)
            return index < symbols.count ? (symbols[index], group.length) : nil
        }
        return nil
    }

    /// The number of bits of each symbol's code (RFC 7541 appendix B), EOS last.
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
        28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
        7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
        23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
        21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
    ]
}
