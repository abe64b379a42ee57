// A response as a value.

/// A final response, from whichever version of HTTP it came.
package struct Response: Sendable {
    /// 200 to 999.
    package var status: Int
    /// Without Content-Length, Transfer-Encoding and other fields that belong to one connection: the framing is
    /// ``Body/length``.
    package var fields: Fields
    package var body: Body

    package init(status: Int, fields: Fields = [:], body: Body = .empty) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// A short plain-text answer, for errors.
    package init(status: Int, text: String) {
        self.init(status: status, fields: ["Content-Type": "text/plain; charset=utf-8"], body: Body(text + "\n"))
    }
}

/// An interim response: status 100 to 199 and its fields (RFC 9110 section 15.2).
package struct InterimResponse: Sendable {
    package var status: Int
    package var fields: Fields

    package init(status: Int, fields: Fields = [:]) {
        self.status = status
        self.fields = fields
    }
}
