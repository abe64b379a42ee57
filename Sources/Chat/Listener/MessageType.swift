// What kind of message a request says it carries.

import HTTP

/// By the Content-Type; a request without one is plain.
enum MessageType: Sendable, Hashable {
    case sealed
    case plain
    case other

    init(of fields: Fields) {
        let values = fields.values(.contentType)
        guard let value = values.first else {
            self = .plain
            return
        }
        let parts = value.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map(MessageType.word)
        switch parts[0] {
        case _ where values.count > 1: self = .other
        case SealedBody.contentType: self = .sealed
        case "text/plain": self = parts.dropFirst().allSatisfy(MessageType.isReadable) ? .plain : .other
        default: self = .other
        }
    }

    /// Other character sets than UTF-8 are not read.
    private static func isReadable(_ parameter: String) -> Bool {
        guard parameter.hasPrefix("charset=") else { return true }
        let name = parameter.dropFirst(8).filter { $0 != "\"" }
        return ["utf-8", "utf8", "us-ascii"].contains(name)
    }

    /// In lower case, without white space at the ends.
    private static func word(_ octets: ArraySlice<UInt8>) -> String {
        let start = octets.drop { Octet.isWhitespace($0) }
        let trimmed = start.prefix(start.lastIndex { !Octet.isWhitespace($0) }.map { $0 - start.startIndex + 1 } ?? 0)
        return String(decoding: trimmed.map(Octet.lowercased), as: UTF8.self)
    }
}
