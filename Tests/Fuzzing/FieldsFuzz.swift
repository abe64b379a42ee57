// The parsers of single fields: no octets stop them, and what they understand says the same when it is written down.

import HTTP
import HTTPServer

/// Octets: the value of a field; LF divides it into lines of that field.
struct FieldsFuzz: FuzzTarget {
    private let now = Timestamp(seconds: 784_111_777)

    func run(_ octets: [UInt8]) {
        let lines = octets.split(separator: 0x0a, omittingEmptySubsequences: false)
        ranges(octets)
        dates(octets)
        tags(octets, lines)
        structured(lines)
        control(lines)
        vary(lines)
        selection(lines)
        if let age = Age.parse(lines) { hold((0...DeltaSeconds.deltaSecondsMax).contains(age), "an age out of bounds") }
    }

    private func ranges(_ octets: [UInt8]) {
        if let range = ContentRange.parse(octets.span) {
            var written: [UInt8] = []
            range.write(into: &written)
            hold(ContentRange.parse(written.span) == range, "Content-Range: another when written down")
        }
        guard let specs = ByteRange.parseRange(octets.span, specsMax: 16) else { return }
        hold((1...16).contains(specs.count), "Range: more than are taken")
        for length in [Int64(0), 1, 1000, .max] {
            for spec in specs {
                guard let range = spec.resolve(length: length) else { continue }
                hold(range.lowerBound >= 0 && range.upperBound <= length && !range.isEmpty, "Range: out of bounds")
            }
            guard case .ranges(let merged) = ByteRange.resolve(specs, length: length, rangesMax: 16) else { continue }
            hold(merged.allSatisfy { !$0.isEmpty && $0.upperBound <= length }, "Range: out of bounds")
        }
    }

    private func dates(_ octets: [UInt8]) {
        guard let time = HTTPDate.parse(octets.span, now: now) else { return }
        let written = HTTPDate.format(time)
        hold(written.count == HTTPDate.formattedCount, "a date of another length")
        guard time > .earliest, time < .latest else { return }
        hold(HTTPDate.parse(written.span, now: now) == time, "another date when written down")
    }

    private func tags(_ octets: [UInt8], _ lines: [ArraySlice<UInt8>]) {
        if let tag = EntityTag.parse(octets.span) {
            hold(tag.weaklyEquals(tag), "a tag that differs from itself")
            hold(!(tag.isWeak && tag.stronglyEquals(tag)), "a weak tag that is strong")
            hold(EntityTagList.line(octets.span, weaklyContains: octets.span), "a list without the one tag that it has")
        }
        _ = EntityTagList.parse(lines)
        _ = EntityTagList.isAny(octets.span)
    }

    private func structured(_ lines: [ArraySlice<UInt8>]) {
        _ = StructuredFields.parseList(lines)
        _ = StructuredFields.parseItem(lines)
        guard let dictionary = StructuredFields.parseDictionary(lines) else { return }
        hold(Set(dictionary.keys).count == dictionary.keys.count, "a key twice")
        hold(dictionary.keys.count == dictionary.values.count, "keys without values")
    }

    private func control(_ lines: [ArraySlice<UInt8>]) {
        for control in [CacheControl.parse(lines), TargetedCacheControl.parse(lines)] {
            guard let control else { continue }
            for seconds in [control.maxAge, control.sMaxAge, control.staleIfError, control.minFresh] {
                if let seconds { check(seconds) }
            }
            let names = control.noCacheFields + control.privateFields
            hold(names.allSatisfy { !$0.contains { (0x41...0x5a).contains($0) } }, "a name in capitals")
        }
    }

    private func check(_ seconds: DeltaSeconds) {
        hold((0...DeltaSeconds.deltaSecondsMax).contains(seconds), "seconds out of bounds")
    }

    private func vary(_ lines: [ArraySlice<UInt8>]) {
        guard case .names(let names) = Vary.parse(lines) else { return }
        for name in names { hold(!name.isEmpty && name.allSatisfy(Octet.isToken), "Vary: a name that is none") }
    }

    /// A request's own key matches it; another's key matches it exactly if both have the same key.
    private func selection(_ lines: [ArraySlice<UInt8>]) {
        let names = ["accept-language", "accept", "user-agent"].map { Array($0.utf8) }
        let values = lines.prefix(4).map { $0.filter { $0 >= 0x20 && $0 != 0x7f } }
        var heads: [(RequestHead, [UInt8])] = []
        for half in [values.prefix(2), values.dropFirst(2)] {
            var octets = Array("GET / HTTP/1.1\r\nHost: h\r\n".utf8)
            for (index, value) in half.enumerated() {
                octets +=
                    (index == 0 ? "Accept-Language:" : value.count % 2 == 0 ? "accept-language:" : "Accept: ").octets
                octets += value + [13, 10]
            }
            octets += [13, 10]
            var parser = RequestParser()
            var head = RequestHead()
            guard let count = try? parser.parse(octets.span, limits: RequestParser.Limits(), into: &head) else {
                return
            }
            hold(count == octets.count, "a head that ends elsewhere")
            heads.append((head, octets))
        }
        let keys = heads.map { VaryKey.make(names: names, head: $0.0, in: $0.1.span) }
        for (head, octets) in heads {
            let own = VaryKey.make(names: names, request: Fields(head: head, in: octets.span))
            for key in keys {
                hold(
                    key.matches(names: names, head: head, in: octets.span) == (key == own),
                    "a key that matches in one way only"
                )
            }
        }
    }

    var seeds: [[UInt8]] {
        [
            "bytes=0-99", "bytes=-5, 7-, 1-2", "bytes 0-9/10", "bytes */1000", "bytes 5-9/*",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "\"a\", W/\"b\"", "*",
            "max-age=60, s-maxage=\"5\"",
            "private=\"a, b\", no-cache", "max-age=99999999999999999999", "a=1, b;c=?1, d=(1 2.5 \"x\");e=:aGk=:, f=@5",
            "accept, Accept-Language,,*", "60", "7, 8\n9", "%\"f%c3%bc\"", "stale-while-revalidate=9,immutable",
            "must-understand\nno-store",
        ].map(\.octets)
    }
}
