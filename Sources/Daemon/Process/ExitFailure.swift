// Why a program of this package ends without having done its work, as its last line and exit code say it.

/// An error that ends the program: an exit code and one line for a person.
package struct ExitFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// A reason to exit, numbered as in sysexits.h.
    package struct Code: Sendable, Hashable {
        package let rawValue: Int32

        private init(_ rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// EX_USAGE: the command line is wrong.
        package static let usage = Code(64)
        /// EX_DATAERR: what was given to work on is wrong.
        package static let badInput = Code(65)
        /// EX_UNAVAILABLE: something that is needed cannot be had, such as a port.
        package static let unavailable = Code(69)
        /// EX_SOFTWARE: a fault of the program.
        package static let software = Code(70)
        /// EX_OSERR: the system refused something that it usually grants.
        package static let operatingSystem = Code(71)
        /// EX_CANTCREAT: a file or directory cannot be made or written.
        package static let cannotCreate = Code(73)
        /// EX_IOERR: reading or writing failed.
        package static let inputOutput = Code(74)
        /// EX_TEMPFAIL: may work if tried again.
        package static let temporary = Code(75)
        /// EX_NOPERM: not allowed.
        package static let noPermission = Code(77)
        /// EX_CONFIG: the configuration file or the environment is wrong.
        package static let configuration = Code(78)
    }

    package let code: Code
    /// What went wrong and what to do, in one line without control characters.
    package let message: String

    /// An exit with `message`, whose line breaks become spaces and whose credentials in URLs are left out.
    package init(_ code: Code, _ message: String) {
        self.code = code
        let lines = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        var oneLine = ""
        for scalar in TerminalText.withoutCredentials(lines).unicodeScalars {
            oneLine.unicodeScalars.append(TerminalText.isControl(scalar) ? " " : scalar)
        }
        self.message = oneLine
    }

    package var description: String { message }

    /// The message that stands for any error: its own, or that of a fault in the program.
    package init(any error: any Error) {
        if let failure = error as? ExitFailure {
            self = failure
        } else {
            self.init(.software, "internal error: \(error); please report it")
        }
    }
}
