// What flags and commands take, and how values are written: text, b:HEX, j:JSON.

import Daemon
import JSON
import PeerIdentity
import PeerNetwork

/// Where a node listens.
struct PeerPlace: Sendable {
    let address: PeerAddress
}

/// Values as people and programs type them.
enum PeerValues {
    static let allMethods = [CompressionMethod.zlib, .gzip, .bzip2, .lzma]
    private static let methodNames: [String: CompressionMethod] = [
        "zlib": .zlib, "gzip": .gzip, "bz2": .bzip2, "lzma": .lzma,
    ]

    static func host(_ text: String) throws(InvalidValue) -> String {
        try ListenValues.host(text).first ?? text
    }

    static func address(_ text: String) throws(InvalidValue) -> PeerPlace {
        guard let address = PeerAddress(text) else {
            throw InvalidValue("expected HOST:PORT such as 192.0.2.7:4444 or [::1]:4444")
        }
        return PeerPlace(address: address)
    }

    static func url(_ text: String) throws(InvalidValue) -> PeerURL {
        do throws(PeerIdentityError) {
            return try PeerURL(text)
        } catch {
            throw InvalidValue("expected a URL such as http://localhost:8080; \(error.message)")
        }
    }

    static func methods(_ text: String) throws(InvalidValue) -> [CompressionMethod] {
        if text == "none" { return [] }
        var methods: [CompressionMethod] = []
        for word in text.split(separator: ",") {
            guard let method = methodNames[word.lowercased()] else {
                throw InvalidValue("expected none, or some of zlib,gzip,bz2,lzma; '\(word)' is none of them")
            }
            if !methods.contains(method) { methods.append(method) }
        }
        return methods
    }

    /// The value that `text` is: `b:` and hexadecimal digits, `j:` and JSON, or the text itself.
    static func value(_ text: String) throws(InvalidValue) -> MessageValue {
        if text.utf8.starts(with: "b:".utf8) {
            guard let octets = octets(text.dropFirst(2)) else {
                throw InvalidValue("expected hexadecimal digits behind b:, two for each octet")
            }
            return .binary(octets)
        }
        guard text.utf8.starts(with: "j:".utf8) else { return .text(text) }
        return value(try json(String(text.dropFirst(2))))
    }

    /// The entries of the JSON object that `text` is.
    static func entries(_ text: String) throws(InvalidValue) -> [MessageValue.Entry] {
        let text = text.hasPrefix("j:") ? String(text.dropFirst(2)) : text
        guard case .map(let entries) = value(try json(text)) else {
            throw InvalidValue("expected a JSON object such as {\"name\": \"value\"}")
        }
        return entries
    }

    /// The value as JSON: octets as text `b:HEX`, names of a map as text.
    static func json(_ value: MessageValue) -> JSONValue {
        switch value {
        case .null: .null
        case .bool(let isTrue): .bool(isTrue)
        case .integer(let number): .number(JSONNumber(number))
        case .unsigned(let number): .number(JSONNumber(number))
        case .double(let number): JSONNumber(number).map { .number($0) } ?? .string("\(number)")
        case .text(let text): .string(text)
        case .binary(let octets): .string("b:" + hexadecimal(octets))
        case .array(let elements): .array(elements.map(json))
        case .map(let entries): .object(JSONObject(entries.map { (text(of: $0.key), json($0.value)) }))
        case .extended(let type, let octets):
            .array([.number(JSONNumber(Int64(type))), .string("b:" + hexadecimal(octets))])
        }
    }

    /// The value in one line, for people.
    static func text(of value: MessageValue) -> String {
        if case .text(let text) = value { return text }
        if case .string(let text) = json(value) { return text }
        return String(decoding: json(value).encoded, as: UTF8.self)
    }

    /// A key as text; `b:HEX` if it is none.
    static func text(ofKey key: [UInt8]) -> String {
        String(validating: key, as: UTF8.self) ?? "b:" + hexadecimal(key)
    }

    static func hexadecimal(_ octets: [UInt8]) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(2 * octets.count)
        for octet in octets {
            digits.append(digit(octet >> 4))
            digits.append(digit(octet & 15))
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) + value
    }

    private static func octets(_ digits: Substring) -> [UInt8]? {
        let digits = Array(digits.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var octets: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index..<index + 2], as: UTF8.self)
            guard pair.allSatisfy(\.isHexDigit), let octet = UInt8(pair, radix: 16) else { return nil }
            octets.append(octet)
        }
        return octets
    }

    private static func json(_ text: String) throws(InvalidValue) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: Array(text.utf8))
        } catch {
            throw InvalidValue("expected JSON; \(error)")
        }
    }

    private static func value(_ json: JSONValue) -> MessageValue {
        switch json {
        case .null: .null
        case .bool(let isTrue): .bool(isTrue)
        case .number(let number):
            number.int64.map { .integer($0) } ?? number.uint64.map { .unsigned($0) } ?? .double(number.double)
        case .string(let text): .text(text)
        case .array(let elements): .array(elements.map(value))
        case .object(let object): .map(object.members.map { MessageValue.Entry(.text($0.name), value($0.value)) })
        }
    }
}
