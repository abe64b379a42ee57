// Which paths are not asked of the origin: those that lead out of the directory that is served, and those with octets
// that an origin may decode into the end of a line or a string.

import HTTP

/// Why a well-formed target is not passed on.
package enum TargetRefusal: String, Sendable {
    /// It climbs out of the directory of the URL that is served, for one who resolves its dot segments.
    case leavesDirectory = "the path leads out of what is served here"
    /// It has NUL, CR or LF, percent-encoded, in its path.
    case encodedControl = "the path has an encoded line end or NUL"
}

extension OriginMap {
    /// Why `target` is not passed on; nil if it is.
    ///
    /// Octets pass unchanged, so an origin may read more into them than we do: it may decode `%2e%2e%2f`, take `\` for
    /// `/`, or drop what follows a `;` (RFC 3986 section 6.2.2.3, and section 7.3 on encoded octets that delimit). The
    /// directory in the given URL holds for each of these readings, since its credentials go with every request. Where the
    /// whole site is served there is nothing to climb out of.
    ///
    /// Cost: one pass over targets without `%`, `..` and `\`.
    package func refusal(of target: Span<UInt8>) -> TargetRefusal? {
        var end = 0
        while end < target.count, target[end] != Ascii.question { end += 1 }
        let path = target.extracting(0..<end).array[...]
        guard path.contains(Ascii.percent) || path.contains(Ascii.dot) else { return nil }
        let decoded = Self.decoded(path)
        guard !decoded.contains(0), !Self.hasLineEnd(decoded) else { return .encodedControl }
        guard octets(of: .directory).count > 1 else { return nil }
        for reading in [path, decoded, Self.decoded(decoded)] {
            let dotsDecoded = Self.decoded(reading) { $0 == Ascii.dot }
            if Self.climbs(dotsDecoded, backslashSeparates: false) || Self.climbs(dotsDecoded, backslashSeparates: true)
            {
                return .leavesDirectory
            }
        }
        return nil
    }

    private static func hasLineEnd(_ path: ArraySlice<UInt8>) -> Bool {
        path.contains { $0 == 0x0a || $0 == 0x0d }
    }

    /// `path` with its percent-encoded octets decoded, those that `isWanted` wants.
    private static func decoded(
        _ path: ArraySlice<UInt8>,
        where isWanted: (UInt8) -> Bool = { _ in true }
    ) -> ArraySlice<UInt8> {
        guard path.contains(Ascii.percent) else { return path }
        var result: [UInt8] = []
        var rest = path
        while let octet = rest.popFirst() {
            if octet == Ascii.percent, rest.count >= 2, let high = Ascii.hexValue(rest[rest.startIndex]),
                let low = Ascii.hexValue(rest[rest.startIndex + 1]), isWanted(high << 4 | low)
            {
                result.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                result.append(octet)
            }
        }
        return result[...]
    }

    /// Whether resolving the dot segments of `path` leads above where it began (RFC 3986 section 5.2.4).
    private static func climbs(_ path: ArraySlice<UInt8>, backslashSeparates: Bool) -> Bool {
        var depth = 0
        let segments = path.split { $0 == Ascii.slash || backslashSeparates && $0 == 0x5c }
        for segment in segments {
            // Some cut parameters off before they look for dots.
            let name = segment.prefix { $0 != 0x3b }
            if name.elementsEqual([Ascii.dot, Ascii.dot]) {
                depth -= 1
                if depth < 0 { return true }
            } else if !name.elementsEqual([Ascii.dot]), !name.isEmpty {
                depth += 1
            }
        }
        return false
    }
}
