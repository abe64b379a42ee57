// Runs the one parser over the layers and finds out whose fault it is when it refuses.

package import ArgumentParser

/// What a command line comes to.
package enum ParsedCommand<Command: ParsableCommand> {
    /// The command with every layer applied.
    case command(Command)
    /// Nothing to run, only a text for standard output: `--help`, `--version`, a completion script.
    case text(String)

    /// Parses `given` under the environment and the file, as ``LayeredArguments`` merges them.
    ///
    /// - Throws: ``ExitFailure``: code 64 for what was typed, 78 for a value out of file or environment, named with its
    ///   line or variable. Help and version work whatever the other layers hold.
    package init(
        _ type: Command.Type,
        given: [String],
        settings: [Setting],
        environment: [String: String],
        prefix: String,
        readFile: (String) throws(ExitFailure) -> [UInt8]
    ) throws(ExitFailure) {
        let typedAlone = Self.parse(given)
        if case .text = typedAlone {
            self = try typedAlone.get()
            return
        }
        let layers = try LayeredArguments(
            given: given,
            settings: settings,
            environment: environment,
            prefix: prefix,
            readFile: readFile
        )
        let all = Self.parse(layers.merged)
        guard case .refused(let message) = all else {
            self = try all.get()
            return
        }

        // An entry is at fault if it makes the parser say the same thing that nothing, or the typed arguments, do not.
        let nothing = Self.parse([]).refusal
        for entry in layers.entries {
            let alone = Self.parse([entry.argument]).refusal
            let withTyped = Self.parse([entry.argument] + given).refusal
            if alone == message && nothing != message || withTyped == message && typedAlone.refusal == nil {
                throw ExitFailure(.configuration, "\(entry.source): \(message)")
            }
        }
        if typedAlone.refusal == nil { throw ExitFailure(.configuration, message) }
        let help = "ee \(Command.configuration.commandName ?? Command._commandName) --help"
        throw ExitFailure(.usage, message.hasSuffix("?") ? "\(message) S\(help)" : "\(message); s\(help)")
    }

    private enum Attempt {
        case command(Command)
        case text(String)
        case refused(String)

        var refusal: String? {
            if case .refused(let message) = self { message } else { nil }
        }

        func get() throws(ExitFailure) -> ParsedCommand {
            switch self {
            case .command(let command): .command(command)
            case .text(let text): .text(text)
            case .refused(let message): throw ExitFailure(.usage, message)
            }
        }
    }

    /// The parser's message as it stands behind "cdn: ": without its capital and its full stop.
    private static func sentence(_ message: String) -> String {
        let text = message.hasSuffix(".") ? String(message.dropLast()) : message
        return text.prefix(1).lowercased() + text.dropFirst()
    }

    private static func parse(_ arguments: [String]) -> Attempt {
        do {
            return .command(try Command.parse(arguments))
        } catch {
            guard Command.exitCode(for: error) != .success else { return .text(Command.fullMessage(for: error)) }
            return .refused(sentence(Command.message(for: error)))
        }
    }
}
