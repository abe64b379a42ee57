// Checks the values of single flags of client, so that the parser can name the flag that is wrong.

import Daemon

/// What the flags of client take.
enum ClientValues {
    /// Seconds, with or without the unit: 2 to 3600.
    static func ttl(_ text: String) throws(InvalidValue) -> Int {
        let time = try seconds(text)
        guard time >= .seconds(2), time <= .seconds(3600), time.components.attoseconds == 0 else {
            throw InvalidValue("expected 2 to 3600 seconds")
        }
        return Int(time.components.seconds)
    }

    /// Seconds, with or without the unit.
    static func wait(_ text: String) throws(InvalidValue) -> Duration { try seconds(text) }

    private static func seconds(_ text: String) throws(InvalidValue) -> Duration {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e }
        return try Duration(parsing: isPlain ? text + "s" : text)
    }
}
