// The start and the end of every executable: parse, run, say in one line what went wrong, exit with its code.

package import ArgumentParser

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An executable of this package.
package struct Program: Sendable {
    /// The version of the package and of every executable in it.
    package static let version = "0.1.0"

    /// As people call it; the first word of its messages.
    package let name: String
    /// What can come from the environment and from `--config FILE`.
    package let settings: [Setting]

    package init(name: String, settings: [Setting]) {
        self.name = name
        self.settings = settings
    }

    /// What its environment variables begin with: `WAYSTATION_CDN_`.
    package var variablePrefix: String {
        "WAYSTATION_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined() + "_"
    }

    /// The line that says why it ended.
    package func line(for failure: ExitFailure) -> String {
        "\(name): \(failure.message)\n"
    }

    /// Runs the program: parses `arguments` (without the program's name) under the environment and the file, calls
    /// `body`, and exits.
    ///
    /// Exit code 0 after `body` returned, else that of the ``ExitFailure`` that was thrown; 70 for any other error.
    package func run<Command: ParsableCommand>(
        _ type: Command.Type,
        arguments: [String],
        environment: [String: String],
        body: @Sendable (Command) async throws -> Void
    ) async -> Never {
        do {
            ProcessLimits.ignoreBrokenPipes()
            let parsed = try ParsedCommand(
                type,
                given: arguments,
                settings: settings,
                environment: environment,
                prefix: variablePrefix
            ) { path throws(ExitFailure) in
                try SystemFile.configuration(path, octetsMax: ConfigurationFile.octetsMax)
            }
            switch parsed {
            case .text(let text):
                StandardError.write(text.hasSuffix("\n") ? text : text + "\n", to: STDOUT_FILENO)
            case .command(let command):
                ProcessLimits.raiseOpenFiles()
                try await body(command)
            }
        } catch {
            let failure = ExitFailure(any: error)
            StandardError.write(line(for: failure))
            exit(failure.code.rawValue)
        }
        exit(0)
    }

    /// The process's environment; of a name given twice the first value counts.
    package static var environment: [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                let name = String(text[..<equals])
                if variables[name] == nil { variables[name] = String(text[text.index(after: equals)...]) }
            }
            next += 1
        }
        return variables
    }
}
