// The validators of a stored response in the form in which each request is compared with them.

/// What a stored response says about which representation it is (RFC 9110 section 8.8).
package struct Validators: Sendable, Equatable {
    /// The octets of the ETag field as they came; empty if there is none, or more than one.
    package let entityTag: [UInt8]
    /// The Last-Modified field; nil if there is none, more than one, or it is no date.
    package let lastModified: Timestamp?
    /// What If-Modified-Since is compared with: Last-Modified, else Date, else when the response was received (RFC 9111
    /// section 4.3.2).
    package let modificationDate: Timestamp
    /// Whether equal ``lastModified`` means equal octets: Date is at least a second later (RFC 9110 section 8.8.2.2).
    package let isLastModifiedStrong: Bool

    /// The validators of a response with these fields, received at that time.
    package init(_ fields: Fields, received: Timestamp) {
        let tags = fields.values(.etag)
        entityTag = tags.count == 1 ? tags.first.map { Array($0) } ?? [] : []
        lastModified = Validators.date(fields.values(.lastModified), now: received)
        let date = Validators.date(fields.values(.date), now: received)
        modificationDate = lastModified ?? date ?? received
        if let lastModified, let date {
            isLastModifiedStrong = date.secondsSince(lastModified) >= 1
        } else {
            isLastModifiedStrong = false
        }
    }

    /// Whether there is nothing to validate with.
    package var isEmpty: Bool { entityTag.isEmpty && lastModified == nil }

    /// The entity tag if it is well-formed and strong: only then may parts of two responses be combined (RFC 9110
    /// section 15.3.7.3).
    package var strongEntityTag: EntityTag? {
        guard let tag = EntityTag.parse(entityTag.span), !tag.isWeak else { return nil }
        return tag
    }

    /// The date that the one line of a field gives.
    private static func date(_ lines: [ArraySlice<UInt8>], now: Timestamp) -> Timestamp? {
        guard lines.count == 1, let line = lines.first else { return nil }
        return HTTPDate.parse(line.span, now: now)
    }
}
