// What a status code means to a server and a cache, without looking at the fields.

/// Facts about status codes, which are plain integers elsewhere.
package enum StatusCode {
    /// The phrase for the status line; empty for codes that have none (RFC 9112 section 4).
    package static func reasonPhrase(_ status: Int) -> StaticString {
        switch status / 100 {
        case 1, 2: successPhrase(status)
        case 3: redirectionPhrase(status)
        case 4: clientErrorPhrase(status)
        default: serverErrorPhrase(status)
        }
    }

    /// Whether a response of it may be given a lifetime that nobody stated (RFC 9110 section 15.1).
    package static func isHeuristicallyCacheable(_ status: Int) -> Bool {
        switch status {
        case 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501: true
        default: false
        }
    }

    /// Whether this cache knows what caching the status demands, which `must-understand` asks for (RFC 9111 section
    /// 5.2.2.3): those that RFC 9110 defines and that a cache may store.
    package static func isUnderstood(_ status: Int) -> Bool {
        switch status {
        case 200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 307, 308: true
        case 400, 401, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 451: true
        case 500, 501, 502, 503, 504, 505: true
        default: false
        }
    }

    /// Whether its response never has content, whatever the fields say (RFC 9112 section 6.3).
    package static func isBodyless(_ status: Int) -> Bool {
        status / 100 == 1 || status == 204 || status == 304
    }

    private static func successPhrase(_ status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 102: "Processing"
        case 103: "Early Hints"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 203: "Non-Authoritative Information"
        case 204: "No Content"
        case 205: "Reset Content"
        case 206: "Partial Content"
        case 207: "Multi-Status"
        case 208: "Already Reported"
        case 226: "IM Used"
        default: ""
        }
    }

    private static func redirectionPhrase(_ status: Int) -> StaticString {
        switch status {
        case 300: "Multiple Choices"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 305: "Use Proxy"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        default: ""
        }
    }

    private static func clientErrorPhrase(_ status: Int) -> StaticString {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 424: "Failed Dependency"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 451: "Unavailable For Legal Reasons"
        default: ""
        }
    }

    private static func serverErrorPhrase(_ status: Int) -> StaticString {
        switch status {
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 506: "Variant Also Negotiates"
        case 507: "Insufficient Storage"
        case 508: "Loop Detected"
        case 511: "Network Authentication Required"
        default: ""
        }
    }
}
