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
        entityTag = fields.only(.etag).map { Array($0) } ?? []
        lastModified = fields.only(.lastModified).flatMap { HTTPDate.parse($0.span, now: received) }
        let date = fields.only(.date).flatMap { HTTPDate.parse($0.span, now: received) }
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
}
