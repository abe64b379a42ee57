// The one place where flags, environment and configuration file are merged: everything becomes arguments.

/// The arguments that one parser gets: those from file and environment before those that were really given.
///
/// Of file, environment and command line the highest that names a setting is the only one used; defaults are the
/// parser's. Pure: the environment and the reading of the file are passed in.
package struct LayeredArguments: Sendable {
    /// An argument that nobody typed, and where it comes from.
    package struct Entry: Sendable, Equatable {
        /// `--name=value`, or `--name` for a flag.
        package let argument: String
        /// `file:line` or the variable's name.
        package let source: String
    }

    /// From file and environment, in the order of the settings.
    package let entries: [Entry]
    /// As typed.
    package let given: [String]

    /// What the parser gets; of a repeated option its last value wins.
    package var merged: [String] { entries.map(\.argument) + given }

    /// Merges the layers.
    ///
    /// - Parameters:
    ///   - given: The command line without the program's name. `--config FILE` names the file.
    ///   - settings: Every setting that may come from file and environment.
    ///   - environment: The process's environment; a variable with an empty value counts as not set.
    ///   - prefix: Of every variable that is ours, such as `WAYSTATION_CDN_`; `CONFIG` behind it names the file too.
    ///   - readFile: The octets of the file at a path.
    /// - Throws: ``ExitFailure`` with code 78 that names the line or variable: an unknown key, a value that is no value.
    package init(
        given: [String],
        settings: [Setting],
        environment: [String: String],
        prefix: String,
        readFile: (String) throws(ExitFailure) -> [UInt8]
    ) throws(ExitFailure) {
        self.given = given
        var values = try Self.values(of: environment.filter { !$0.value.isEmpty }, prefix: prefix, settings: settings)

        let pathInEnvironment = environment["\(prefix)CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        if let path = Self.lastValue(of: "config", in: given) ?? pathInEnvironment {
            let file = try ConfigurationFile(path: path, octets: try readFile(path))
            values.merge(try Self.values(of: file, settings: settings)) { environment, _ in environment }
        }

        var entries: [Entry] = []
        for setting in settings where !Self.names(setting.name, in: given) {
            guard let value = values[setting.name] else { continue }
            entries += try Self.entries(setting, value.text, source: value.source)
        }
        self.entries = entries
    }

    // MARK: Layers

    private typealias Values = [String: (text: String, source: String)]

    private static func values(
        of environment: [String: String],
        prefix: String,
        settings: [Setting]
    ) throws(ExitFailure) -> Values {
        var values: Values = [:]
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) where variable.hasPrefix(prefix) {
            if variable == "\(prefix)CONFIG" { continue }
            guard let setting = settings.first(where: { $0.variable(prefix: prefix) == variable }) else {
                let name = variable.dropFirst(prefix.count).lowercased().map { $0 == "_" ? "-" : String($0) }.joined()
                let known = settings + [Setting("config")]
                let hint = known.nearest(to: name).map { "; did you mean \($0.variable(prefix: prefix))?" }
                throw ExitFailure(.configuration, "\(variable): no such setting\(hint ?? "; unset it")")
            }
            values[setting.name] = (text, variable)
        }
        return values
    }

    private static func values(of file: ConfigurationFile, settings: [Setting]) throws(ExitFailure) -> Values {
        var values: Values = [:]
        for line in file.lines {
            let source = "\(file.path):\(line.number)"
            guard let setting = settings.first(where: { $0.name == line.key }) else {
                let hint = settings.nearest(to: line.key).map { "; did you mean '\($0.name)'?" }
                throw ExitFailure(.configuration, "\(source): unknown key '\(line.key)'\(hint ?? "; remove the line")")
            }
            guard let earlier = values[setting.name] else {
                values[setting.name] = (line.value, source)
                continue
            }
            guard setting.kind == .list else {
                throw ExitFailure(
                    .configuration,
                    "\(source): '\(line.key)' is set already at \(earlier.source); remove one of the two"
                )
            }
            values[setting.name] = ("\(earlier.text),\(line.value)", earlier.source)
        }
        return values
    }

    private static func entries(_ setting: Setting, _ text: String, source: String) throws(ExitFailure) -> [Entry] {
        switch setting.kind {
        case .value:
            return [Entry(argument: "--\(setting.name)=\(text)", source: source)]
        case .flag:
            switch text.lowercased() {
            case "true", "yes", "1": return [Entry(argument: "--\(setting.name)", source: source)]
            case "false", "no", "0": return []
            default:
                throw ExitFailure(.configuration, "\(source): '\(setting.name)' is true or false, not '\(text)'")
            }
        case .list:
            var entries: [Entry] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let item = part.drop(while: \.isWhitespace)
                guard let last = item.lastIndex(where: { !$0.isWhitespace }) else {
                    throw ExitFailure(.configuration, "\(source): an empty value between commas in '\(text)'")
                }
                entries.append(Entry(argument: "--\(setting.name)=\(item[...last])", source: source))
            }
            return entries
        }
    }

    // MARK: The command line

    /// The arguments before a `--`, which ends the options.
    private static func options(in arguments: [String]) -> ArraySlice<String> {
        arguments.prefix { $0 != "--" }
    }

    private static func names(_ name: String, in arguments: [String]) -> Bool {
        options(in: arguments).contains { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") }
    }

    /// The value of `--name VALUE` or `--name=VALUE`; a missing one is the parser's to report.
    private static func lastValue(of name: String, in arguments: [String]) -> String? {
        let options = options(in: arguments)
        guard let last = options.lastIndex(where: { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") }) else {
            return nil
        }
        if options[last] != "--\(name)" { return String(options[last].dropFirst(name.count + 3)) }
        return last + 1 < options.endIndex ? options[last + 1] : nil
    }
}
