// The chunked transfer coding, read strictly: where each run of data stands in the octets, and where the body ends.

/// The rule that a chunked body breaks.
package enum ChunkedFault: String, Error, Sendable, CaseIterable {
    case bareCR = "CR without LF"
    case bareLF = "LF without CR"
    case badSize = "chunk size is malformed"
    case sizeTooLarge = "chunk size is too large"
    case badExtension = "chunk extension is malformed"
    case extensionsTooLong = "chunk extensions are too long"
    case missingEnd = "chunk does not end with CRLF"
    case badTrailer = "trailer is malformed"
    case trailerTooLong = "trailer section is too long"
}

/// Decodes one chunked body (RFC 9112 section 7.1) from pieces of any size, without copying or keeping octets.
///
/// Extensions are checked against their grammar and skipped; trailers are checked and dropped; both are bounded.
package struct ChunkedDecoder: Sendable {
    /// What was found from the given octet on.
    package enum Step: Sendable, Equatable {
        /// All octets are used up and the body goes on.
        case needsMore
        /// Data stands there; call again with the range's end.
        case data(Range<Int>)
        /// The body has ended before this octet.
        case end(Int)
    }

    fileprivate enum Phase {
        case size, sizeLF, data, dataCR, dataLF
        case spaceBeforeExtension, extensionStart, extensionName, spaceAfterName
        case valueStart, value, quoted, quotedPair, quotedEnd
        case trailerStart, trailerName, trailerValue, trailerLF, endLF, ended
    }

    /// Hexadecimal digits of a size: 15 make at most 2^60 - 1.
    static let sizeDigitsMax = 15
    /// Octets of extensions in one body: nobody needs them, and each is work for nothing.
    static let extensionBytesMax = 4096

    private var phase = Phase.size
    private var digits = 0
    /// The size being read, then what is left of the chunk.
    private var remaining: Int64 = 0
    private var extensionBytes = 0
    private var trailerBytes = 0
    private let trailerBytesMax: Int

    /// A decoder at the start of a body.
    ///
    /// - Parameter trailerBytesMax: Octets of the trailer section that are taken.
    package init(trailerBytesMax: Int = 8 * 1024) {
        self.trailerBytesMax = trailerBytesMax
    }

    /// Whether the end has been read.
    package var hasEnded: Bool { phase == .ended }

    /// Reads from `start` to the next data, the end of the body, or the end of `buffer`.
    package mutating func next(_ buffer: Span<UInt8>, from start: Int) throws(ChunkedFault) -> Step {
        var at = start
        while at < buffer.count, phase != .ended {
            if phase == .data {
                let count = Int(min(remaining, Int64(buffer.count - at)))
                remaining -= Int64(count)
                if remaining == 0 { phase = .dataCR }
                return .data(at..<at + count)
            }
            if phase.isOfTrailer {
                try readTrailer(buffer[at])
            } else if phase.isOfExtension {
                try readExtension(buffer[at])
            } else {
                try readSize(buffer[at])
            }
            at += 1
        }
        return phase == .ended ? .end(at) : .needsMore
    }

    private mutating func readSize(_ octet: UInt8) throws(ChunkedFault) {
        switch phase {
        case .size:
            if let digit = ChunkedDecoder.hexDigit(octet) {
                digits += 1
                guard digits <= ChunkedDecoder.sizeDigitsMax else { throw .sizeTooLarge }
                remaining = remaining << 4 | Int64(digit)
                return
            }
            guard digits > 0 else { throw .badSize }
            try endSize(octet)
        case .sizeLF:
            guard octet == 0x0a else { throw .bareCR }
            phase = remaining == 0 ? .trailerStart : .data
        case .dataCR:
            guard octet == 0x0d else { throw .missingEnd }
            phase = .dataLF
        default:
            guard octet == 0x0a else { throw .missingEnd }
            phase = .size
            digits = 0
        }
    }

    private mutating func endSize(_ octet: UInt8) throws(ChunkedFault) {
        switch octet {
        case 0x0d: phase = .sizeLF
        case 0x3b: phase = .extensionStart
        case 0x20, 0x09: phase = .spaceBeforeExtension
        case 0x0a: throw .bareLF
        default: throw .badSize
        }
    }

    /// `chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` (RFC 9112 section 7.1.1).
    ///
    /// BWS stands only before something, never before the CRLF.
    private mutating func readExtension(_ octet: UInt8) throws(ChunkedFault) {
        extensionBytes += 1
        guard extensionBytes <= ChunkedDecoder.extensionBytesMax else { throw .extensionsTooLong }
        guard octet != 0x0a else { throw .bareLF }
        let isToken = Octet.isToken(octet)
        let isSpace = Octet.isWhitespace(octet)
        switch (phase, octet) {
        case (.quotedPair, _) where Octet.isFieldValue(octet): phase = .quoted
        case (.quoted, 0x22): phase = .quotedEnd
        case (.quoted, 0x5c): phase = .quotedPair
        case (.quoted, _) where Octet.isFieldValue(octet): break
        case (.spaceBeforeExtension, _) where isSpace, (.extensionStart, _) where isSpace: break
        case (.spaceAfterName, _) where isSpace, (.valueStart, _) where isSpace: break
        case (.extensionName, _) where isToken, (.value, _) where isToken: break
        case (.extensionStart, _) where isToken: phase = .extensionName
        case (.valueStart, _) where isToken: phase = .value
        case (.valueStart, 0x22): phase = .quoted
        case (.extensionName, _) where isSpace: phase = .spaceAfterName
        case (.value, _) where isSpace, (.quotedEnd, _) where isSpace: phase = .spaceBeforeExtension
        case (.extensionName, 0x3d), (.spaceAfterName, 0x3d): phase = .valueStart
        case (.extensionName, 0x3b), (.spaceAfterName, 0x3b), (.value, 0x3b), (.quotedEnd, 0x3b),
            (.spaceBeforeExtension, 0x3b):
            phase = .extensionStart
        case (.extensionName, 0x0d), (.value, 0x0d), (.quotedEnd, 0x0d): phase = .sizeLF
        default: throw .badExtension
        }
    }

    private mutating func readTrailer(_ octet: UInt8) throws(ChunkedFault) {
        trailerBytes += 1
        guard trailerBytes <= trailerBytesMax else { throw .trailerTooLong }
        switch phase {
        case .trailerStart:
            if octet == 0x0d {
                phase = .endLF
            } else {
                guard Octet.isToken(octet) else { throw octet == 0x0a ? .bareLF : .badTrailer }
                phase = .trailerName
            }
        case .trailerName:
            guard !Octet.isToken(octet) else { return }
            guard octet == 0x3a else { throw .badTrailer }
            phase = .trailerValue
        case .trailerValue:
            if octet == 0x0d {
                phase = .trailerLF
            } else {
                guard Octet.isFieldValue(octet) else { throw octet == 0x0a ? .bareLF : .badTrailer }
            }
        case .trailerLF:
            guard octet == 0x0a else { throw .bareCR }
            phase = .trailerStart
        default:
            guard octet == 0x0a else { throw .bareCR }
            phase = .ended
        }
    }

    private static func hexDigit(_ octet: UInt8) -> UInt8? {
        if Octet.isDigit(octet) { return octet - 0x30 }
        let letter = Octet.lowercased(octet) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }
}

extension ChunkedDecoder.Phase {
    fileprivate var isOfTrailer: Bool {
        switch self {
        case .trailerStart, .trailerName, .trailerValue, .trailerLF, .endLF: true
        default: false
        }
    }

    fileprivate var isOfExtension: Bool {
        switch self {
        case .spaceBeforeExtension, .extensionStart, .extensionName, .spaceAfterName: true
        case .valueStart, .value, .quoted, .quotedPair, .quotedEnd: true
        default: false
        }
    }
}
