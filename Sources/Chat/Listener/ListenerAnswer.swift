// The answers of a listener.

import HTTP

/// Makes responses; each is a sentence for who tries by hand.
enum ListenerAnswer {
    static let about = Response(
        status: 200,
        text: """
            This is a Waystation client: it takes chat messages, one POST each.
            Sealed messages are application/vnd.waystation.sealed; plain ones text/plain, at most 16 KiB, and are shown \
            as not encrypted.
            """
    )

    static let notAllowed = refusal(405, "Only POST leaves a message here.", ["Allow": "GET, HEAD, POST"])
    static let notFound = refusal(404, "No messages are taken at this path.")
    static let unsupported = refusal(
        415,
        "Messages are application/vnd.waystation.sealed version 1, suite 1 or 2, or text/plain in UTF-8.",
        ["Accept": "application/vnd.waystation.sealed, text/plain"]
    )
    static let blocked = refusal(403, "Messages of this sender are not taken.")
    static let fromElsewhere = refusal(403, "Plain messages are not taken from web pages, nor for another host.")
    static let notStored = refusal(503, "The message could not be stored; send it again.", ["Retry-After": "1"])

    static func tooLarge(_ limit: String) -> Response {
        refusal(413, "A message of this kind has at most \(limit).")
    }

    static func tooMany(retryAfter seconds: Int) -> Response {
        refusal(429, "Too many messages; send it again later.", ["Retry-After": String(seconds)])
    }

    /// With our own record, so that the sender can seal to what we hold now.
    static func unknownKey(record: [UInt8]?) -> Response {
        guard let record else { return refusal(409, "The message is sealed to a key that is not held here.") }
        var response = Response(status: 409, fields: ["Content-Type": "application/jwt"], body: Body(record))
        response.fields.append("Cache-Control", "no-store")
        return response
    }

    static func receipt(_ octets: [UInt8]) -> Response {
        Response(
            status: 200,
            fields: ["Content-Type": "application/octet-stream", "Cache-Control": "no-store"],
            body: Body(octets)
        )
    }

    /// A status and why.
    static func refusal(_ status: Int, _ text: String, _ fields: KeyValuePairs<String, String> = [:]) -> Response {
        var response = Response(status: status, text: text)
        for (name, value) in fields { response.fields.append(name, value) }
        return response
    }
}
