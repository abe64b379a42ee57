// The chunked transfer coding, read strictly: where each run of data stands in the octets, and where the body ends.

import HTTP

/// Decodes one chunked body (RFC 9112 section 7.1) from pieces of any size, without copying or keeping octets.
///
/// Extensions are checked for their octets and skipped; trailers are checked and dropped; both are bounded.
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
        case size, spaceAfterSize, extensions, sizeLF, data, dataCR, dataLF
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
    package mutating func next(_ buffer: Span<UInt8>, from start: Int) throws(RequestRefusal) -> Step {
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
            } else {
                try readSize(buffer[at])
            }
            at += 1
        }
        return phase == .ended ? .end(at) : .needsMore
    }

    private mutating func readSize(_ octet: UInt8) throws(RequestRefusal) {
        switch phase {
        case .size:
            if let digit = ChunkedDecoder.hexDigit(octet) {
                digits += 1
                guard digits <= ChunkedDecoder.sizeDigitsMax else { throw .chunkTooLarge }
                remaining = remaining << 4 | Int64(digit)
                return
            }
            guard digits > 0 else { throw .badChunkSize }
            try endSize(octet)
        case .spaceAfterSize:
            // BWS is taken only before an extension, never before the CRLF.
            try countExtension()
            guard !Octet.isWhitespace(octet) else { return }
            guard octet == 0x3b else { throw .badChunkExtension }
            phase = .extensions
        case .extensions:
            try countExtension()
            if octet == 0x0d {
                phase = .sizeLF
            } else {
                guard FieldOctet.isValue(octet) else { throw octet == 0x0a ? .bareLF : .badChunkExtension }
            }
        case .sizeLF:
            guard octet == 0x0a else { throw .bareCR }
            phase = remaining == 0 ? .trailerStart : .data
        case .dataCR:
            guard octet == 0x0d else { throw .missingChunkEnd }
            phase = .dataLF
        default:
            guard octet == 0x0a else { throw .missingChunkEnd }
            phase = .size
            digits = 0
        }
    }

    private mutating func endSize(_ octet: UInt8) throws(RequestRefusal) {
        switch octet {
        case 0x0d: phase = .sizeLF
        case 0x3b: phase = .extensions
        case 0x20, 0x09: phase = .spaceAfterSize
        case 0x0a: throw .bareLF
        default: throw .badChunkSize
        }
    }

    private mutating func countExtension() throws(RequestRefusal) {
        extensionBytes += 1
        guard extensionBytes <= ChunkedDecoder.extensionBytesMax else { throw .chunkExtensionTooLong }
    }

    private mutating func readTrailer(_ octet: UInt8) throws(RequestRefusal) {
        trailerBytes += 1
        guard trailerBytes <= trailerBytesMax else { throw .trailerTooLong }
        switch phase {
        case .trailerStart:
            if octet == 0x0d {
                phase = .endLF
            } else {
                guard FieldOctet.isToken(octet) else { throw octet == 0x0a ? .bareLF : .badTrailer }
                phase = .trailerName
            }
        case .trailerName:
            guard !FieldOctet.isToken(octet) else { return }
            guard octet == 0x3a else { throw .badTrailer }
            phase = .trailerValue
        case .trailerValue:
            if octet == 0x0d {
                phase = .trailerLF
            } else {
                guard FieldOctet.isValue(octet) else { throw octet == 0x0a ? .bareLF : .badTrailer }
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
}
