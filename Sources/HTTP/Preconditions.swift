// What the conditional fields of a request come to when a cache holds a response (RFC 9110 section 13.2, RFC 9111 section
// 4.3.2).

/// Evaluates conditional requests against a stored response.
package enum Preconditions {
    /// What to do with a request whose stored response may be used.
    package enum Outcome: Sendable, Equatable {
        /// There is no condition, or it holds: answer with the stored response.
        case proceed
        /// The client has the representation already: answer 304.
        case notModified
        /// If-Match or If-Unmodified-Since: only the origin evaluates these (RFC 9111 section 4.3.2), ask it.
        case forward
    }

    /// The outcome for a GET or HEAD request; other methods are always forwarded by the caller.
    ///
    /// - Parameters:
    ///   - request: The request's fields.
    ///   - status: The stored response's; conditions count for 2xx only (RFC 9110 section 13.2.1).
    ///   - stored: The stored response's validators.
    ///   - now: For two-digit years.
    /// - Returns: What to do with the request.
    package static func evaluate(
        _ request: Fields,
        status: Int,
        stored: borrowing Validators,
        now: Timestamp
    ) -> Outcome {
        let lines = Lines(all: request.lines, present: request.present)
        return evaluate(lines, in: request.bytes.span, status: status, stored: stored, now: now)
    }

    /// The outcome for a GET or HEAD request read in place; allocates nothing.
    package static func evaluate(
        _ head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        status: Int,
        stored: borrowing Validators,
        now: Timestamp
    ) -> Outcome {
        guard !head.present.isDisjoint(with: conditional) else { return .proceed }
        let lines = Lines(all: head.lines, present: head.present)
        return evaluate(lines, in: buffer, status: status, stored: stored, now: now)
    }

    /// Whether a request's Range field counts: there is no If-Range, or it names the stored representation (RFC 9110
    /// section 13.1.5).
    ///
    /// The comparison is strong: a weak tag never matches, and a date only if it equals a Last-Modified that is strong.
    package static func rangeApplies(_ request: Fields, stored: borrowing Validators, now: Timestamp) -> Bool {
        let lines = Lines(all: request.lines, present: request.present)
        return rangeApplies(lines, in: request.bytes.span, stored: stored, now: now)
    }

    /// Whether there can be a representation that a request's Range field counts for: If-Range, if it is there, is a strong
    /// tag or a date.
    package static func mayApplyRange(_ request: Fields, now: Timestamp) -> Bool {
        guard request.contains(.ifRange) else { return true }
        let lines = Lines(all: request.lines, present: request.present)
        guard let value = lines.only(.ifRange) else { return false }
        let text = request.bytes.span.extracting(value)
        if let tag = EntityTagParts(text) { return !tag.isWeak }
        return HTTPDate.parse(text, now: now) != nil
    }

    /// Whether the Range field of a request counts, read in place.
    package static func rangeApplies(
        _ head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        stored: borrowing Validators,
        now: Timestamp
    ) -> Bool {
        guard head.present.contains(.ifRange) else { return true }
        return rangeApplies(Lines(all: head.lines, present: head.present), in: buffer, stored: stored, now: now)
    }

    /// Whether If-Match, or without it If-Unmodified-Since, holds for the stored response: true if there is neither.
    ///
    /// RFC 9110 section 13.1.1: a cache may ignore If-Match, and where it holds for what is stored and may be used, that is
    /// what the origin would do too. Where it does not, only the origin knows (RFC 9111 section 4.3.2).
    package static func holds(_ request: Fields, stored: borrowing Validators, now: Timestamp) -> Bool {
        if request.contains(.ifMatch) {
            switch EntityTagList.parse(request.values(.ifMatch)) {
            case .any: return true
            case .tags(let tags):
                guard let tag = stored.strongEntityTag else { return false }
                return tags.contains { $0.stronglyEquals(tag) }
            }
        }
        guard request.contains(.ifUnmodifiedSince) else { return true }
        let lines = Lines(all: request.lines, present: request.present)
        guard let value = lines.only(.ifUnmodifiedSince),
            let limit = HTTPDate.parse(request.bytes.span.extracting(value), now: now),
            let modified = stored.lastModified
        else { return false }
        return modified <= limit
    }

    /// The conditional fields that ``evaluate(_:in:status:stored:now:)`` looks at.
    package static let conditional: KnownFieldSet = [.ifMatch, .ifUnmodifiedSince, .ifNoneMatch, .ifModifiedSince]

    // MARK: Fields and RequestHead alike

    /// The lines of either kind of request.
    private struct Lines {
        let all: [Fields.Line]
        let present: KnownFieldSet

        /// The value of the only line of that name; nil if there is none or more than one.
        func only(_ field: KnownField) -> Range<Int>? {
            guard present.contains(field) else { return nil }
            var found: Range<Int>?
            for line in all where line.known == field {
                if found != nil { return nil }
                found = line.value
            }
            return found
        }
    }

    private static func evaluate(
        _ lines: Lines,
        in buffer: Span<UInt8>,
        status: Int,
        stored: borrowing Validators,
        now: Timestamp
    ) -> Outcome {
        if lines.present.contains(.ifMatch) || lines.present.contains(.ifUnmodifiedSince) { return .forward }
        // RFC 9110 section 13.2.1: conditions do not count where the answer would be no success anyway.
        guard status / 100 == 2 else { return .proceed }
        if lines.present.contains(.ifNoneMatch) {
            // RFC 9110 section 13.1.3: If-Modified-Since is ignored then.
            return matchesAny(lines, in: buffer, stored: stored) ? .notModified : .proceed
        }
        // RFC 9110 section 13.1.3: a list or what is no date is ignored.
        guard
            let value = lines.only(.ifModifiedSince),
            let since = HTTPDate.parse(buffer.extracting(value), now: now)
        else { return .proceed }
        return stored.modificationDate.seconds <= since.seconds ? .notModified : .proceed
    }

    /// RFC 9110 section 13.1.2, weak comparison.
    private static func matchesAny(_ lines: Lines, in buffer: Span<UInt8>, stored: borrowing Validators) -> Bool {
        if let value = lines.only(.ifNoneMatch), EntityTagList.isAny(buffer.extracting(value)) { return true }
        for line in lines.all where line.known == .ifNoneMatch {
            if EntityTagList.line(buffer.extracting(line.value), weaklyContains: stored.entityTag.span) { return true }
        }
        return false
    }

    private static func rangeApplies(
        _ lines: Lines,
        in buffer: Span<UInt8>,
        stored: borrowing Validators,
        now: Timestamp
    ) -> Bool {
        guard lines.present.contains(.ifRange) else { return true }
        guard let value = lines.only(.ifRange) else { return false }
        let text = buffer.extracting(value)
        if let tag = EntityTagParts(text) {
            return !tag.isWeak && EntityTagParts(stored.entityTag.span) != nil && text.equals(stored.entityTag.span)
        }
        guard stored.isLastModifiedStrong, let date = HTTPDate.parse(text, now: now) else { return false }
        return date == stored.lastModified
    }
}
