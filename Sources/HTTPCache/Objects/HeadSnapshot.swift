// The head of a stored response with everything that is worked out from it once, so that a hit works out nothing.

package import HTTP

/// The head of a stored response at one moment: immutable, replaced as a whole by a validation.
package final class HeadSnapshot: Sendable {
    package let metadata: ResponseMetadata
    package let freshness: Freshness
    package let validators: Validators
    package let vary: Vary
    /// The selecting values in normal form.
    package let varyKey: VaryKey
    /// Whether a Date line is in them, in a 304's too.
    package let isDated: Bool
    /// The field lines as they stand on the wire, Via included, without Age, Cache-Status and Content-Length.
    package let serialized: [UInt8]
    /// ``serialized`` for a 304: without what describes the body that is not sent (RFC 9110 section 15.4.5).
    package let serializedNotModified: [UInt8]

    /// Works out the rest from `metadata`.
    package init(_ metadata: ResponseMetadata) {
        self.metadata = metadata
        freshness = Freshness(
            status: metadata.status,
            fields: metadata.fields,
            requested: metadata.requestTime,
            received: metadata.responseTime
        )
        validators = Validators(metadata.fields, received: metadata.responseTime)
        vary = Vary.selecting(metadata.fields)
        if case .names(let names) = vary {
            varyKey = VaryKey.make(names: names, request: metadata.selecting)
        } else {
            varyKey = VaryKey(bytes: [])
        }
        isDated = metadata.fields.contains(.date)
        var outgoing = metadata.fields
        outgoing.remove(.age)
        if metadata.status == 200, !outgoing.contains(.acceptRanges) { outgoing.append("Accept-Ranges", "bytes") }
        var bytes: [UInt8] = []
        outgoing.serialize(into: &bytes)
        serialized = bytes
        outgoing.removeLines { line, _ in Self.describesBody.contains(line.known) && line.known != .other }
        bytes.removeAll()
        outgoing.serialize(into: &bytes)
        serializedNotModified = bytes
    }

    /// The fields of an answer made of it, without Age and Cache-Status.
    package var outgoingFields: Fields {
        var fields = metadata.fields
        fields.remove(.age)
        if metadata.status == 200, !fields.contains(.acceptRanges) { fields.append("Accept-Ranges", "bytes") }
        return fields
    }

    /// ``outgoingFields`` of a 304.
    package var outgoingFieldsNotModified: Fields {
        var fields = outgoingFields
        fields.removeLines { line, _ in Self.describesBody.contains(line.known) && line.known != .other }
        return fields
    }

    /// Whether a request read in place selects this response (RFC 9111 section 4.1).
    package func isSelected(by head: borrowing RequestHead, in buffer: Span<UInt8>) -> Bool {
        guard case .names(let names) = vary else { return false }
        if names.isEmpty { return true }
        // What Connection names does not count; the long way takes it out first.
        return !head.present.contains(.connection) && varyKey.matches(names: names, head: head, in: buffer)
    }

    /// Whether `request` selects this response (RFC 9111 section 4.1).
    package func isSelected(by request: Fields) -> Bool {
        guard case .names(let names) = vary else { return false }
        return names.isEmpty || VaryKey.make(names: names, request: request) == varyKey
    }

    /// Whether `request`, which this response was not selected for before, wants its language above all others and says
    /// the same in all other fields that Vary names (RFC 9111 section 4.1, RFC 9110 section 12.5.4).
    ///
    /// Then an origin that negotiates by Accept-Language would choose the same representation. It has not been asked, so
    /// that this is good for a fresh response only.
    package func isSelectedByLanguage(of request: Fields) -> Bool {
        let acceptLanguage = Array("accept-language".utf8)
        let languages = metadata.fields.values(.contentLanguage)
        guard case .names(let names) = vary, names.contains(acceptLanguage), languages.count == 1,
            let language = languages.first, !language.contains(0x2c),
            let preference = AcceptLanguage(request.values(.acceptLanguage)), preference.prefers(language.span)
        else { return false }
        let others = names.filter { $0 != acceptLanguage }
        return VaryKey.make(names: others, request: request)
            == VaryKey.make(names: others, request: metadata.selecting)
    }

    private static let describesBody: KnownFieldSet = [
        .contentType, .contentEncoding, .contentLanguage, .contentRange, .contentLength, .acceptRanges,
    ]
}
