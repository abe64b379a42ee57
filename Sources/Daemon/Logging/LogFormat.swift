// How one log event becomes one line: for people as text, for machines as JSON.

package import Logging

/// The form of log lines.
package enum LogFormat: Sendable, Equatable {
    /// `time LEVEL message key=value ...`, keys sorted; the level coloured if asked for.
    case text(isColoured: Bool)
    /// One JSON object a line: `time`, `level`, `message`, `logger`, then the metadata's keys, sorted.
    case json

    /// The line for an event, without its line feed; never holds a control character but escape sequences for colour.
    package func line(
        level: Logger.Level,
        message: String,
        label: String,
        metadata: Logger.Metadata,
        time sinceEpoch: Duration
    ) -> String {
        let sorted = metadata.sorted { $0.key < $1.key }
        switch self {
        case .text(let isColoured):
            var line = LogTime.text(sinceEpoch) + " " + Self.levelText(level, isColoured: isColoured) + " "
            TerminalText.appendEscaped(message, to: &line, escapesQuotes: false)
            for (key, value) in sorted {
                line += " "
                Self.appendToken(key, to: &line)
                line += "="
                Self.appendValue(value, to: &line)
            }
            return line
        case .json:
            var line = "{"
            let head = [
                ("time", LogTime.text(sinceEpoch)), ("level", level.rawValue), ("message", message), ("logger", label),
            ]
            for (index, (key, value)) in head.enumerated() {
                if index > 0 { line += "," }
                line += "\"\(key)\":"
                Self.appendJSON(.string(value), to: &line)
            }
            for (key, value) in sorted {
                line += ","
                // A name twice in an object means nothing certain (RFC 8259 section 4).
                Self.appendJSON(.string(head.contains { $0.0 == key } ? "\(key)_" : key), to: &line)
                line += ":"
                Self.appendJSON(value, to: &line)
            }
            return line + "}"
        }
    }

    private static func levelText(_ level: Logger.Level, isColoured: Bool) -> String {
        let name = level.rawValue.uppercased()
        let padding = String(repeating: " ", count: max(0, 8 - name.count))
        guard isColoured else { return name + padding }
        let colour =
            switch level {
            case .trace, .debug: "2"
            case .info: "32"
            case .notice: "36"
            case .warning: "33"
            case .error, .critical: "31"
            }
        return "\u{1b}[\(colour)m\(name)\u{1b}[0m" + padding
    }

    // MARK: Text

    /// A string as it is, or quoted where a reader could not see its end.
    private static func appendToken(_ text: String, to line: inout String) {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                !TerminalText.isControl(scalar) && !scalar.properties.isWhitespace && scalar != "\"" && scalar != "="
                    && scalar != "\\"
            }
        if isPlain {
            line += text
        } else {
            line += "\""
            TerminalText.appendEscaped(text, to: &line)
            line += "\""
        }
    }

    private static func appendValue(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): appendToken(text, to: &line)
        case .stringConvertible(let value): appendToken(value.description, to: &line)
        case .array, .dictionary: appendJSON(value, to: &line)
        }
    }

    // MARK: JSON

    private static func appendJSON(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text):
            line += "\""
            TerminalText.appendEscaped(text, to: &line)
            line += "\""
        case .stringConvertible(let value):
            switch value {
            case let number as any BinaryInteger: line += "\(number)"
            case let truth as Bool: line += "\(truth)"
            default: appendJSON(.string(value.description), to: &line)
            }
        case .array(let items):
            line += "["
            for (index, item) in items.enumerated() {
                if index > 0 { line += "," }
                appendJSON(item, to: &line)
            }
            line += "]"
        case .dictionary(let entries):
            line += "{"
            for (index, (key, value)) in entries.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                appendJSON(.string(key), to: &line)
                line += ":"
                appendJSON(value, to: &line)
            }
            line += "}"
        }
    }
}
