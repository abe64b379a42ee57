// What a 304, or the answer to a HEAD, changes in a stored response (RFC 9111 sections 3.2, 4.3.4 and 4.3.5).

package import HTTP

/// Freshens stored fields.
package enum HeadUpdate {
    /// What the answer to a HEAD says about a stored GET (RFC 9111 section 4.3.5).
    package enum HeadOutcome: Sendable, Equatable {
        /// It describes the same representation: update the stored fields.
        case refresh
        /// It describes another one: the stored response counts as stale, validate it before its next use.
        case invalidate
        /// It says nothing about it.
        case ignore
    }

    /// Whether a 304, the answer to a validation of this stored response alone, is about it (RFC 9111 section 4.3.4).
    ///
    /// A tag must equal the stored one weakly, a Last-Modified without tags its own. A 304 without validators is taken at
    /// its word, since the condition that it answers named the stored ones and plain servers send none. If this is false,
    /// the origin is to be asked again without condition.
    package static func isAbout(_ stored: Fields, notModified: Fields, received: Timestamp) -> Bool {
        let before = Validators(stored, received: received)
        let after = Validators(notModified, received: received)
        if notModified.contains(.etag), stored.contains(.etag) {
            return EntityTagList.line(after.entityTag.span, weaklyContains: before.entityTag.span)
        }
        if notModified.contains(.lastModified), stored.contains(.lastModified) {
            return after.lastModified != nil && after.lastModified == before.lastModified
        }
        return !notModified.contains(.etag)
    }

    /// The stored fields after an update: every name in `update` has the update's lines, all others stay.
    ///
    /// Not taken over: the connection's fields; Content-Length; Content-Encoding unless equal strong tags say that the
    /// octets are the same, and Content-Range unless there is one already, since both describe the stored octets; the tag,
    /// if one is stored, since an equal one could only be weaker or claim too much; fields that must not be stored. The
    /// stored Age goes, and Date becomes the update's or the time of its receipt: both are about when the response was
    /// last known to be good.
    package static func updated(_ stored: Fields, by update: Fields, received: Timestamp) -> Fields {
        let new = StoredHead.make(from: update, received: received)
        var result = Fields()
        let tag = Validators(stored, received: received).strongEntityTag
        let isSameOctets = tag != nil && tag == Validators(update, received: received).strongEntityTag
        for line in stored.lines where isKept(line, of: stored, new, isSameOctets) {
            result.append(line, of: stored)
        }
        for line in new.lines where isTaken(line, stored, isSameOctets) {
            result.append(line, of: new)
        }
        // A field that the update says not to store was stored before.
        let notStored = ResponseControl(update).fieldsNotStored
        guard !notStored.isEmpty else { return result }
        result.removeLines { line, fields in
            notStored.contains { fields.name(of: line).span.equalsIgnoringCase($0.span) }
        }
        return result
    }

    /// What a HEAD's answer says about the stored response to a GET (RFC 9111 section 4.3.5).
    ///
    /// - Parameters:
    ///   - status: The status of the answer to HEAD.
    ///   - head: Its fields.
    ///   - headLength: Its Content-Length.
    ///   - stored: The stored fields.
    ///   - storedLength: The length of the stored representation, if known.
    ///   - received: When the answer arrived.
    /// - Returns: What to do with the stored response.
    package static func outcome(
        status: Int,
        head: Fields,
        headLength: Int64?,
        stored: Fields,
        storedLength: Int64?,
        received: Timestamp
    ) -> HeadOutcome {
        guard status == 200 else { return .ignore }
        if let headLength, let storedLength, headLength != storedLength { return .invalidate }
        let before = Validators(stored, received: received)
        let after = Validators(head, received: received)
        if head.contains(.etag), before.entityTag != after.entityTag { return .invalidate }
        if head.contains(.lastModified), before.lastModified != after.lastModified { return .invalidate }
        return .refresh
    }

    private static func isKept(_ line: Fields.Line, of stored: Fields, _ new: Fields, _ isSameOctets: Bool) -> Bool {
        switch line.known {
        case .age, .date: false
        case .contentLength, .etag: true
        case .contentEncoding: !isSameOctets || !new.contains(.contentEncoding)
        case .other: new.values(named: stored.name(of: line).span).isEmpty
        default: !new.contains(line.known)
        }
    }

    private static func isTaken(_ line: Fields.Line, _ stored: Fields, _ isSameOctets: Bool) -> Bool {
        switch line.known {
        case .contentLength: false
        case .contentEncoding: isSameOctets
        case .contentRange: stored.contains(.contentRange)
        case .etag: !stored.contains(.etag)
        default: true
        }
    }
}
