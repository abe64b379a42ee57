// The Cache-Control field of a request or response as one value (RFC 9111 section 5.2).

/// The directives of all Cache-Control lines of one message.
///
/// What is unclear is read to the safe side, as RFC 9111 section 4.2.1 encourages: a lifetime that is negative, no
/// number, or given twice with different values is 0; a directive that restricts counts whatever argument it has, one
/// that permits counts only without. Numbers are at most ``DeltaSeconds/deltaSecondsMax``.
package struct CacheControl: Sendable, Equatable {
    /// What a client says about stale responses (RFC 9111 section 5.2.1.2).
    package enum MaxStale: Sendable, Equatable {
        /// However stale.
        case any
        case seconds(DeltaSeconds)
    }

    // MARK: In requests and responses

    /// `max-age`: of a response its freshness lifetime, of a request the age that it will take.
    package var maxAge: DeltaSeconds?
    /// `no-store`; also set if a quoted string does not end, since what it swallows may have been this.
    package var noStore = false
    /// `no-cache` without field names.
    package var noCache = false
    package var noTransform = false
    /// `stale-if-error` (RFC 5861 section 4).
    package var staleIfError: DeltaSeconds?

    // MARK: In responses

    /// `s-maxage`: the lifetime in shared caches.
    package var sMaxAge: DeltaSeconds?
    /// `stale-while-revalidate` (RFC 5861 section 3).
    package var staleWhileRevalidate: DeltaSeconds?
    /// The field names of `no-cache="..."`, in lower case.
    package var noCacheFields: [[UInt8]] = []
    /// `private` without field names.
    package var isPrivate = false
    /// The field names of `private="..."`, in lower case.
    package var privateFields: [[UInt8]] = []
    package var isPublic = false
    package var mustRevalidate = false
    package var proxyRevalidate = false
    package var mustUnderstand = false
    /// `immutable` (RFC 8246).
    package var immutable = false

    // MARK: In requests

    package var maxStale: MaxStale?
    package var minFresh: DeltaSeconds?
    package var onlyIfCached = false

    /// No directives.
    package init() {}

    /// The directives of all lines of the field.
    package static func parse(_ lines: [ArraySlice<UInt8>]) -> CacheControl {
        var result = CacheControl()
        for line in lines { result.add(line: line.span) }
        return result
    }

    /// The directives of the message's Cache-Control lines.
    package static func parse(_ fields: Fields) -> CacheControl {
        var result = CacheControl()
        guard fields.contains(.cacheControl) else { return result }
        for line in fields.lines where line.known == .cacheControl { result.add(line: fields.value(of: line).span) }
        return result
    }

    /// The directives of a request's Cache-Control lines, read in place.
    package static func parse(_ head: borrowing RequestHead, in buffer: Span<UInt8>) -> CacheControl {
        var result = CacheControl()
        guard head.present.contains(.cacheControl) else { return result }
        for line in head.lines where line.known == .cacheControl {
            result.add(line: buffer.extracting(line.value))
        }
        return result
    }

    /// Adds the directives of one more line.
    package mutating func add(line: Span<UInt8>) {
        var reader = DirectiveReader()
        while let directive = reader.next(in: line) {
            apply(directive, in: line)
        }
        if reader.hasOpenQuote { noStore = true }
    }

    private mutating func apply(_ directive: DirectiveReader.Directive, in line: Span<UInt8>) {
        guard let name = CacheDirective(name: line.extracting(directive.name)) else { return }
        let argument = directive.argument
        switch name {
        case .maxAge: CacheControl.merge(argument.seconds(in: line) ?? 0, into: &maxAge)
        case .sMaxAge: CacheControl.merge(argument.seconds(in: line) ?? 0, into: &sMaxAge)
        case .staleWhileRevalidate: CacheControl.merge(argument.seconds(in: line) ?? 0, into: &staleWhileRevalidate)
        case .staleIfError: CacheControl.merge(argument.seconds(in: line) ?? 0, into: &staleIfError)
        case .noCache: CacheControl.add(argument.fieldNames(in: line), to: &noCacheFields, or: &noCache)
        case .isPrivate: CacheControl.add(argument.fieldNames(in: line), to: &privateFields, or: &isPrivate)
        case .noStore: noStore = true
        case .noTransform: noTransform = true
        case .mustRevalidate: mustRevalidate = true
        case .proxyRevalidate: proxyRevalidate = true
        case .onlyIfCached: onlyIfCached = true
        case .isPublic: isPublic = isPublic || argument == .none
        case .mustUnderstand: mustUnderstand = mustUnderstand || argument == .none
        case .immutable: immutable = immutable || argument == .none
        case .minFresh: minFresh = max(minFresh ?? 0, argument.seconds(in: line) ?? .deltaSecondsMax)
        case .maxStale: addMaxStale(argument == .none ? .any : .seconds(argument.seconds(in: line) ?? 0))
        }
    }

    /// Sets `value`, or 0 if there was another one already.
    private static func merge(_ value: DeltaSeconds, into stored: inout DeltaSeconds?) {
        stored = stored == nil || stored == value ? value : 0
    }

    /// Adds field names, or sets the unqualified form if there are none that can be read: it restricts more.
    static func add(_ names: [[UInt8]]?, to fields: inout [[UInt8]], or unqualified: inout Bool) {
        guard let names else {
            unqualified = true
            return
        }
        for name in names where !fields.contains(name) { fields.append(name) }
    }

    private mutating func addMaxStale(_ value: MaxStale) {
        switch (maxStale, value) {
        case (nil, _), (.any, _): maxStale = value
        case (.seconds, .any): break
        case (.seconds(let before), .seconds(let seconds)): maxStale = .seconds(min(before, seconds))
        }
    }
}
