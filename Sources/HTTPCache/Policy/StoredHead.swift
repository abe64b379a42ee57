// The field section of a response as it is stored (RFC 9111 section 3.1).

package import HTTP

/// Makes the fields that a cache keeps.
package enum StoredHead {
    /// The fields of `response` without those of the connection and those that `no-cache="..."` and `private="..."` list,
    /// with a Date.
    ///
    /// Everything else stays octet for octet. A response without Date gets the time of its receipt (RFC 9110 section
    /// 6.6.1); one that is no date stays as the origin sent it.
    package static func make(from response: Fields, received: Timestamp) -> Fields {
        var fields = response
        let notStored = ResponseControl(response).fieldsNotStored
        fields.removeHopByHop()
        if !notStored.isEmpty {
            fields.removeLines { line, fields in
                notStored.contains { fields.name(of: line).span.equalsIgnoringCase($0.span) }
            }
        }
        if !fields.contains(.date) { fields.append(name: "Date".utf8, value: HTTPDate.format(received)) }
        return fields
    }

    /// The lines of `response` that ``make(from:received:)`` leaves out because `no-cache="..."` or `private="..."` lists
    /// them: they are for the one whose request was answered (RFC 9111 sections 5.2.2.4 and 5.2.2.7).
    package static func withheld(from response: Fields) -> Fields {
        let notStored = ResponseControl(response).fieldsNotStored
        var fields = Fields()
        guard !notStored.isEmpty else { return fields }
        for line in response.lines
        where notStored.contains(where: {
            response.name(of: line).span.equalsIgnoringCase($0.span)
        }) {
            fields.append(line, of: response)
        }
        fields.removeHopByHop()
        return fields
    }
}
