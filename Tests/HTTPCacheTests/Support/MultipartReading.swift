// Reads a multipart/byteranges answer as a client does: by its boundary, from the first delimiter to the last.

import HTTP

/// The parts of a multipart/byteranges message.
struct MultipartReading {
    /// One part: its fields, and its octets.
    struct Part {
        let fields: Fields
        let body: [UInt8]

        var contentRange: ContentRange? { ContentRange.parse(fields) }
    }

    let parts: [Part]

    /// The parts of `body`; nil if it is no such message from end to end.
    init?(contentType: String, _ body: [UInt8]) {
        guard let name = contentType.range(after: "multipart/byteranges; boundary=") else { return nil }
        let delimiter = Array("--\(name)".utf8)
        var parts: [Part] = []
        var at = 0
        guard body.starts(with: delimiter) else { return nil }
        at = delimiter.count
        while true {
            if body[at...].elementsEqual("--\r\n".utf8) { break }
            guard body[at...].starts(with: "\r\n".utf8) else { return nil }
            at += 2
            var fields = Fields()
            while !body[at...].starts(with: "\r\n".utf8) {
                guard let end = body[at...].firstIndex(of: 0x0d), let colon = body[at..<end].firstIndex(of: 0x3a) else {
                    return nil
                }
                fields.append(name: body[at..<colon], value: body[(colon + 2)..<end])
                at = end + 2
            }
            at += 2
            let mark = Array("\r\n".utf8) + delimiter
            guard let end = MultipartReading.find(mark, in: body, from: at) else { return nil }
            parts.append(Part(fields: fields, body: Array(body[at..<end])))
            at = end + mark.count
        }
        self.parts = parts
    }

    private static func find(_ mark: [UInt8], in body: [UInt8], from start: Int) -> Int? {
        var at = start
        while let next = body[at...].firstIndex(of: 0x0d) {
            if body[next...].starts(with: mark) { return next }
            at = next + 1
        }
        return nil
    }
}

extension String {
    fileprivate func range(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
