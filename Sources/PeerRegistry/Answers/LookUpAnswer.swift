// The answer to a look-up: the same octets whether it takes the express lane or the long way.

import HTTP
import PeerIdentity

/// What is sent of an entry in one form.
struct LookUpAnswer {
    let form: Representation
    /// With its quotes.
    let entityTag: [UInt8]
    let maxAge: Int64
    let body: ArraySlice<UInt8>

    /// The answer; nil if the form is not to be had of this entry.
    init?(
        _ entry: PackedEntry,
        as form: Representation,
        now: Timestamp,
        maxAgeSeconds: Int64,
        prepared: PreparedRecords
    ) {
        self.form = form
        let content = entry.content
        maxAge = min(max(0, entry.presentUntil.secondsSince(now)), maxAgeSeconds)
        entityTag = LookUpAnswer.entityTag(of: entry, as: form)
        switch form {
        case .url: body = content.octets[content.url]
        case .record:
            guard let compact = prepared.compact(of: content) else { return nil }
            body = compact[...]
        case .json:
            body = LookUpAnswer.json(entry, record: prepared.compact(of: content))[...]
        }
    }

    /// A tag that changes with what it stands for: the record, and for JSON the lease.
    private static func entityTag(of entry: PackedEntry, as form: Representation) -> [UInt8] {
        var tag: [UInt8] = []
        tag.reserveCapacity(40)
        tag.append(0x22)
        let content = entry.content
        if content.isSigned {
            for octet in content.octets[content.signature].prefix(8) { tag.append(hexadecimal: octet) }
        } else {
            tag.append(0x70)
            tag.append(decimal: Int64(clamping: entry.revision))
        }
        if form == .json {
            tag.append(0x2d)
            tag.append(decimal: entry.presentUntil.nanoseconds)
        }
        tag.append(0x2d)
        tag.append(form.tag)
        tag.append(0x22)
        return tag
    }

    private static func json(_ entry: PackedEntry, record: [UInt8]?) -> [UInt8] {
        let content = entry.content
        var json: [UInt8] = []
        json.reserveCapacity(256 + (record?.count ?? 0))
        json.append(contentsOf: "{\"id\":".utf8)
        json.append(jsonString: content.octets[content.text])
        json.append(contentsOf: ",\"url\":".utf8)
        json.append(jsonString: content.octets[content.url])
        if content.isSigned {
            json.append(contentsOf: ",\"key\":".utf8)
            json.append(jsonString: PackedContent.base64URL(content.octets[content.key]))
        }
        json.append(contentsOf: ",\"expires\":".utf8)
        json.append(decimal: entry.presentUntil.seconds)
        if content.isSigned {
            json.append(contentsOf: ",\"sequence\":".utf8)
            json.append(decimal: Int64(clamping: content.sequence))
        }
        if let record {
            json.append(contentsOf: ",\"record\":".utf8)
            json.append(jsonString: record)
        }
        json.append(0x7d)
        return json
    }

    /// Whether a line of If-None-Match names this answer.
    func isNamed(by line: Span<UInt8>) -> Bool {
        EntityTagList.isAny(line) || EntityTagList.line(line, weaklyContains: entityTag.span)
    }

    /// Appends status line and fields, each with its CRLF.
    func writeHead(isNotModified: Bool, into output: inout [UInt8]) {
        output.append(text: isNotModified ? "HTTP/1.1 304 Not Modified\r\n" : "HTTP/1.1 200 OK\r\n")
        if !isNotModified {
            output.append(text: "Content-Type: ")
            output.append(text: form.mediaType)
            output.append(text: form == .url ? "; charset=utf-8\r\nContent-Length: " : "\r\nContent-Length: ")
            output.append(decimal: Int64(body.count))
            output.append(text: "\r\n")
        }
        output.append(text: "ETag: ")
        output.append(contentsOf: entityTag)
        output.append(text: "\r\nVary: Accept\r\nCache-Control: max-age=")
        output.append(decimal: maxAge)
        output.append(text: "\r\n")
    }

    /// The answer as a value.
    func response(isNotModified: Bool) -> Response {
        var response = Response(status: isNotModified ? 304 : 200)
        if !isNotModified {
            let charset = form == .url ? "; charset=utf-8" : ""
            response.fields.append("Content-Type", "\(form.mediaType)\(charset)")
            response.body = Body(Array(body))
        }
        response.fields.append(name: "ETag".utf8, value: entityTag)
        response.fields.append("Vary", "Accept")
        response.fields.append("Cache-Control", "max-age=\(maxAge)")
        return response
    }
}

extension PackedContent {
    /// Octets in base64url without padding (RFC 4648 section 5).
    static func base64URL(_ octets: ArraySlice<UInt8>) -> String.UTF8View {
        Base64URL.encode(octets).utf8
    }
}

extension [UInt8] {
    /// Appends constant text.
    mutating func append(text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    /// Appends two hexadecimal digits.
    fileprivate mutating func append(hexadecimal octet: UInt8) {
        for digit in [octet >> 4, octet & 15] { append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
    }
}
