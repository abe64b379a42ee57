// The values of `--log-format`.

import ArgumentParser

/// A form of log lines as a flag names it.
package enum LogFormatName: String, CaseIterable, ExpressibleByArgument, Sendable {
    case text
    case json

    /// The form itself; text is coloured if standard error is a terminal that wants it.
    package func format(environment: [String: String]) -> LogFormat {
        self == .json ? .json : .text(isColoured: StandardError.isColoured(environment: environment))
    }
}
