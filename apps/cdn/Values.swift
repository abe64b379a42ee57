// Checks the values of single flags, so that the parser can name the flag, or the line of the file, that is wrong.

import Daemon

/// What the flags of cdn take.
enum Values {
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
