// The names of cache directives, and the reader that splits a Cache-Control line into directives.

/// The directives that this cache knows; the others are skipped (RFC 9111 section 5.2.3).
enum CacheDirective {
    case maxAge, sMaxAge, staleWhileRevalidate, staleIfError, noCache, isPrivate, noStore, noTransform, mustRevalidate
    case proxyRevalidate, onlyIfCached, isPublic, mustUnderstand, immutable, minFresh, maxStale

    /// The directive that `name` spells in any letter case.
    init?(name: Span<UInt8>) {
        for (text, directive) in CacheDirective.byName where name.equalsIgnoringCase(text) {
            self = directive
            return
        }
        return nil
    }

    private static let byName: [(StaticString, CacheDirective)] = [
        ("max-age", .maxAge), ("s-maxage", .sMaxAge), ("no-cache", .noCache), ("no-store", .noStore),
        ("private", .isPrivate), ("public", .isPublic), ("must-revalidate", .mustRevalidate),
        ("proxy-revalidate", .proxyRevalidate), ("immutable", .immutable),
        ("stale-while-revalidate", .staleWhileRevalidate), ("stale-if-error", .staleIfError),
        ("no-transform", .noTransform), ("must-understand", .mustUnderstand), ("only-if-cached", .onlyIfCached),
        ("min-fresh", .minFresh), ("max-stale", .maxStale),
    ]
}

/// Splits a line into directives: `token [ "=" ( token / quoted-string ) ]`, separated by commas.
///
/// Quoted strings are never looked into, wherever they stand. A directive with anything else around it, spaces round
/// `=` included, is returned with an argument that nobody can use. A semicolon separates too, since people write it,
/// but spoils the directives on both of its sides.
struct DirectiveReader {
    enum Argument: Equatable {
        case none
        /// Where the token or the inside of the quoted string stands.
        case range(Range<Int>)
        /// The inside of a quoted string that had backslashes.
        case unescaped([UInt8])
        case unreadable
    }

    struct Directive {
        var name: Range<Int>
        var argument: Argument
    }

    /// Whether a quoted string did not end before its line did.
    private(set) var hasOpenQuote = false
    private var position = 0
    private var isSpoilt = false

    /// The next directive of `line`, the same line for each call.
    mutating func next(in line: Span<UInt8>) -> Directive? {
        while position < line.count {
            skipWhitespace(in: line)
            let start = position
            skipToken(in: line)
            let name = start..<position
            var argument = readArgument(in: line)
            if !skipToSeparator(in: line) || isSpoilt { argument = .unreadable }
            passSeparator(in: line, argument: &argument)
            if !name.isEmpty { return Directive(name: name, argument: argument) }
        }
        return nil
    }

    private mutating func skipToken(in line: Span<UInt8>) {
        while position < line.count, Octet.isToken(line[position]) { position += 1 }
    }

    private mutating func readArgument(in line: Span<UInt8>) -> Argument {
        guard position < line.count, line[position] == 0x3d else { return .none }
        position += 1
        guard position < line.count, line[position] == 0x22 else {
            let start = position
            skipToken(in: line)
            return position == start ? .unreadable : .range(start..<position)
        }
        let start = position + 1
        guard skipQuotedString(in: line) else { return .unreadable }
        let inside = start..<position - 1
        guard inside.contains(where: { line[$0] == 0x5c }) else { return .range(inside) }
        var bytes: [UInt8] = []
        var index = inside.lowerBound
        while index < inside.upperBound {
            if line[index] == 0x5c { index += 1 }
            bytes.append(line[index])
            index += 1
        }
        return .unescaped(bytes)
    }

    /// Goes to the end of the quoted string that begins here; false if it has none.
    private mutating func skipQuotedString(in line: Span<UInt8>) -> Bool {
        position += 1
        while position < line.count {
            let octet = line[position]
            position += octet == 0x5c ? 2 : 1
            if octet == 0x22 { return true }
        }
        position = line.count
        hasOpenQuote = true
        return false
    }

    /// Goes to the next comma or semicolon, or to the end; whether nothing but whitespace was passed.
    private mutating func skipToSeparator(in line: Span<UInt8>) -> Bool {
        var isClean = true
        while position < line.count, line[position] != 0x2c, line[position] != 0x3b {
            if line[position] == 0x22 {
                isClean = false
                _ = skipQuotedString(in: line)
            } else {
                isClean = isClean && Octet.isWhitespace(line[position])
                position += 1
            }
        }
        return isClean
    }

    private mutating func passSeparator(in line: Span<UInt8>, argument: inout Argument) {
        guard position < line.count else { return }
        isSpoilt = line[position] == 0x3b
        if isSpoilt { argument = .unreadable }
        position += 1
    }

    private mutating func skipWhitespace(in line: Span<UInt8>) {
        while position < line.count, Octet.isWhitespace(line[position]) { position += 1 }
    }
}

extension DirectiveReader.Argument {
    /// The argument as delta-seconds, quoted or not; nil if it is none.
    func seconds(in line: Span<UInt8>) -> DeltaSeconds? {
        switch self {
        case .none, .unreadable: nil
        case .range(let range): line.extracting(range).deltaSeconds
        case .unescaped(let bytes): bytes.span.deltaSeconds
        }
    }

    /// The argument as a list of field names in lower case; nil if there is no argument or any member is no name.
    func fieldNames(in line: Span<UInt8>) -> [[UInt8]]? {
        switch self {
        case .none, .unreadable: nil
        case .range(let range): FieldNameList.parse(line.extracting(range))
        case .unescaped(let bytes): FieldNameList.parse(bytes.span)
        }
    }
}
