// CDN-Cache-Control: the directives that an origin aims at caches like this one (RFC 9213).

/// Reads the targeted fields of this cache's target list, which is `[Waystation-Cache-Control, CDN-Cache-Control]` (RFC
/// 9213 section 2.2).
package enum TargetedCacheControl {
    /// The directives of the first field of the list that is present, valid and not empty; nil if none is, and
    /// Cache-Control decides.
    ///
    /// RFC 9213 section 2.1: it is a dictionary, a parse error voids it, parameters are ignored. A directive that is
    /// known here and has a value of another type than its argument's voids it too: `max-age=1.5` and `max-age="60"`
    /// are no integers, `no-store=?0` is not "always true". Keys are lower case by syntax. Unknown ones are ignored,
    /// but a field of nothing else is valid and decides that there are no directives (section 3.1).
    package static func parse(_ fields: Fields) -> CacheControl? {
        // The name of this very cache stands first: it is aimed at more closely.
        let own = fields.contains(.other) ? parse(fields.values(named: ownName.span)) : nil
        return own ?? parse(fields.values(.cdnCacheControl))
    }

    private static let ownName = Array("waystation-cache-control".utf8)

    /// The directives of all lines of the field.
    package static func parse(_ lines: [ArraySlice<UInt8>]) -> CacheControl? {
        guard
            !lines.isEmpty, let dictionary = StructuredFields.parseDictionary(lines), !dictionary.isEmpty
        else { return nil }
        var result = CacheControl()
        for (key, member) in zip(dictionary.keys, dictionary.values) {
            guard let directive = CacheDirective(name: key.utf8.span) else { continue }
            guard case .item(let item) = member, result.apply(directive, item.value) else { return nil }
        }
        return result
    }
}

extension CacheControl {
    /// Sets what a member of the dictionary says; false if its type is wrong.
    fileprivate mutating func apply(_ directive: CacheDirective, _ value: StructuredFields.BareItem) -> Bool {
        switch directive {
        case .maxAge: return set(&maxAge, value)
        case .sMaxAge: return set(&sMaxAge, value)
        case .staleWhileRevalidate: return set(&staleWhileRevalidate, value)
        case .staleIfError: return set(&staleIfError, value)
        case .noCache: return set(&noCacheFields, or: &noCache, value)
        case .isPrivate: return set(&privateFields, or: &isPrivate, value)
        case .noStore: noStore = true
        case .noTransform: noTransform = true
        case .mustRevalidate: mustRevalidate = true
        case .proxyRevalidate: proxyRevalidate = true
        case .isPublic: isPublic = true
        case .mustUnderstand: mustUnderstand = true
        case .immutable: immutable = true
        // Request directives mean nothing here.
        case .onlyIfCached, .minFresh, .maxStale: return true
        }
        return value == .boolean(true)
    }
}

/// An integer as delta-seconds, a negative one as 0; false for other types.
private func set(_ seconds: inout DeltaSeconds?, _ value: StructuredFields.BareItem) -> Bool {
    guard case .integer(let number) = value else { return false }
    seconds = min(max(number, 0), .deltaSecondsMax)
    return true
}

/// Boolean true, or a string (or a token, if there is one name) of field names; false for other types.
private func set(_ names: inout [[UInt8]], or flag: inout Bool, _ value: StructuredFields.BareItem) -> Bool {
    switch value {
    case .boolean(true):
        flag = true
    case .string(let text), .token(let text):
        CacheControl.add(FieldNameList.parse(text.utf8.span), to: &names, or: &flag)
    default:
        return false
    }
    return true
}
