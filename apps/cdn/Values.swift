// Checks the values of single flags, so that the parser can name the flag, or the line of the file, that is wrong.

import Daemon
import Glibc

/// What the flags of cdn take.
enum Values {
    /// 127.0.0.1 first: what `localhost` means to the most clients.
    static let loopbacks = ["127.0.0.1", "::1"]

    /// 0 to 65535.
    static func port(_ text: String) throws(InvalidValue) -> Int {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(text), port <= 65535 else {
            throw InvalidValue("expected a number from 0 to 65535")
        }
        return port
    }

    /// A numeric address, perhaps in brackets, or `localhost`, which is both loopback addresses.
    static func host(_ text: String) throws(InvalidValue) -> [String] {
        if text.lowercased() == "localhost" { return loopbacks }
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]") && text.utf8.count > 2
        let address = isBracketed ? String(text.dropFirst().dropLast()) : text
        var octets = (UInt64(0), UInt64(0))
        if inet_pton(AF_INET6, address, &octets) == 1 { return [address] }
        guard !isBracketed, inet_pton(AF_INET, address, &octets) == 1 else {
            throw InvalidValue("expected an address of this machine such as 0.0.0.0, ::1 or localhost")
        }
        return [address]
    }

    /// At least one byte.
    static func size(_ text: String) throws(InvalidValue) -> ByteCount {
        let size = try ByteCount(parsing: text)
        guard size.bytes > 0 else { throw InvalidValue("0 keeps nothing; give --store none for that") }
        return size
    }

    /// At least a millisecond.
    static func timeout(_ text: String) throws(InvalidValue) -> Duration {
        let timeout = try Duration(parsing: text)
        guard timeout >= .milliseconds(1) else { throw InvalidValue("expected at least 1ms") }
        return timeout
    }
}
