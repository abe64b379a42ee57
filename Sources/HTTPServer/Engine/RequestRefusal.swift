// Why a request is refused before a responder sees it: one name per rule, its status, and what to tell the client.

package import HTTP

/// A rule of RFC 9112 or a limit that a request broke; the connection ends after the answer.
package enum RequestRefusal: String, Error, Sendable, CaseIterable {
    // Request line (RFC 9112 section 3).
    case emptyLines = "too many empty lines before the request"
    case badMethod = "method is not a token"
    case methodTooLong = "method is not known here"
    case badTarget = "request target has an octet or form that is not allowed"
    case fragmentInTarget = "request target has a fragment"
    case requestLineTooLong = "request line is too long"
    case badVersion = "protocol version is malformed"
    case unsupportedVersion = "protocol version is not HTTP/1.0 or HTTP/1.1"
    case connectRefused = "CONNECT is not served here"

    // Lines (RFC 9112 sections 2.2 and 5).
    case bareCR = "CR without LF"
    case bareLF = "LF without CR"
    case whitespaceBeforeField = "whitespace before the first field"
    case lineFolding = "folded field line"
    case emptyFieldName = "empty field name"
    case spaceBeforeColon = "whitespace between field name and colon"
    case badFieldName = "field name is not a token"
    case missingColon = "field line has no colon"
    case badFieldValue = "control character in a field value"
    case headTooLong = "request head is too long"
    case tooManyFields = "too many fields"

    // Host (RFC 9112 section 3.2).
    case missingHost = "Host is missing"
    case repeatedHost = "Host is repeated"
    case badHost = "Host is malformed"
    case hostDiffers = "Host differs from the request target"

    // Framing (RFC 9112 sections 6.1 to 6.3).
    case lengthWithCoding = "Content-Length with Transfer-Encoding"
    case repeatedLength = "Content-Length is repeated"
    case badLength = "Content-Length is not a number"
    case repeatedCoding = "Transfer-Encoding is repeated"
    case unknownCoding = "Transfer-Encoding has codings beside chunked"
    case badCoding = "Transfer-Encoding does not end in chunked"
    case codingInOldVersion = "Transfer-Encoding in HTTP/1.0"

    // Chunked bodies (RFC 9112 section 7.1).
    case badChunkSize = "chunk size is malformed"
    case chunkTooLarge = "chunk size is too large"
    case badChunkExtension = "chunk extension is malformed"
    case chunkExtensionTooLong = "chunk extensions are too long"
    case missingChunkEnd = "chunk does not end with CRLF"
    case badTrailer = "trailer is malformed"
    case trailerTooLong = "trailer section is too long"

    // Time and connection.
    case headTimeout = "request head did not arrive in time"
    case bodyTimeout = "request body did not arrive in time"
    case endedEarly = "connection ended inside the request"
    case tooManyConnections = "too many connections"

    /// The status to answer with.
    package var status: Int {
        switch self {
        case .requestLineTooLong: 414
        case .headTooLong, .tooManyFields: 431
        case .methodTooLong, .unknownCoding, .connectRefused: 501
        case .unsupportedVersion: 505
        case .headTimeout, .bodyTimeout: 408
        case .tooManyConnections: 503
        default: 400
        }
    }

    /// The answer: the status and the rule in one line of text.
    package var response: Response {
        Response(status: status, text: "\(status) \(ReasonPhrase.text(for: status)): \(rawValue)")
    }

    /// The refusal of a body that breaks a rule of the chunked coding.
    package init(_ fault: ChunkedFault) {
        self =
            switch fault {
            case .bareCR: .bareCR
            case .bareLF: .bareLF
            case .badSize: .badChunkSize
            case .sizeTooLarge: .chunkTooLarge
            case .badExtension: .badChunkExtension
            case .extensionsTooLong: .chunkExtensionTooLong
            case .missingEnd: .missingChunkEnd
            case .badTrailer: .badTrailer
            case .trailerTooLong: .trailerTooLong
            }
    }

    /// ``response`` with more fields.
    package func response(with fields: Fields) -> Response {
        var response = response
        for line in fields.lines { response.fields.append(line, of: fields) }
        return response
    }
}
