// The value of If-None-Match and If-Match: any representation, or a list of tags.

/// The tags of all lines of If-Match or If-None-Match.
///
/// A member that is no entity tag equals nothing and spoils no other: at worst a whole response is sent where 304 would
/// have done. `*` means any representation only if it stands alone (RFC 9110 section 13.1.2).
package enum EntityTagList: Sendable, Equatable {
    case any
    case tags([EntityTag])

    /// The tags of all lines, members that are none left out.
    package static func parse(_ lines: [ArraySlice<UInt8>]) -> EntityTagList {
        if lines.count == 1, let line = lines.first, isAny(line.span) { return .any }
        var tags: [EntityTag] = []
        for line in lines {
            let text = line.span
            var position = 0
            while let member = nextMember(of: text, from: &position) {
                if let tag = EntityTag.parse(text.extracting(member)) { tags.append(tag) }
            }
        }
        return .tags(tags)
    }

    /// Whether a line of the list has a member that weakly equals `tag`, the octets of an ETag field; reads in place.
    ///
    /// A member of the very octets of `tag` matches even if they are no valid tag: the client got them from here.
    package static func line(_ line: Span<UInt8>, weaklyContains tag: Span<UInt8>) -> Bool {
        guard !tag.isEmpty else { return false }
        if line.equals(tag) { return true }
        let stored = EntityTagParts(tag)
        var position = 0
        while let member = nextMember(of: line, from: &position) {
            let text = line.extracting(member)
            if text.equals(tag) { return true }
            guard let stored, let parts = EntityTagParts(text) else { continue }
            if text.extracting(parts.opaque).equals(tag.extracting(stored.opaque)) { return true }
        }
        return false
    }

    /// Whether the line is `*` and nothing else.
    package static func isAny(_ line: Span<UInt8>) -> Bool {
        let rest = line.trimmingWhitespace(0..<line.count)
        return rest.count == 1 && line[rest.lowerBound] == 0x2a
    }

    /// The next member without the whitespace around it; a comma between quotes does not end one.
    private static func nextMember(of text: Span<UInt8>, from position: inout Int) -> Range<Int>? {
        while position < text.count {
            let start = position
            var isQuoted = false
            while position < text.count, isQuoted || text[position] != 0x2c {
                if text[position] == 0x22 { isQuoted.toggle() }
                position += 1
            }
            let member = text.trimmingWhitespace(start..<position)
            position += 1
            if !member.isEmpty { return member }
        }
        return nil
    }
}
