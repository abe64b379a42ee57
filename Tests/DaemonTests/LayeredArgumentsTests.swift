// Tests of the merging of flags, environment and file, and of who is blamed for a wrong value.

import ArgumentParser
import Daemon
import Testing

/// A command with one setting of each kind.
struct Sample: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sample", version: "1.2.3")
    static let settings = [Setting("store-size"), Setting("port"), Setting("host", .list), Setting("verbose", .flag)]

    @Argument var url: String
    @Option(transform: ByteCount.init(parsing:)) var storeSize = ByteCount(1)
    @Option var port = 80
    @Option var host: [String] = []
    @Flag var verbose = false
    @Option var config: String?
}

@Suite struct LayeredArgumentsTests {
    static func parse(
        _ given: [String],
        environment: [String: String] = [:],
        file: String? = nil
    ) throws(ExitFailure) -> ParsedCommand<Sample> {
        try ParsedCommand(
            Sample.self,
            given: given,
            settings: Sample.settings,
            environment: environment,
            prefix: "SAMPLE_"
        ) { path throws(ExitFailure) in
            guard let file, path == "f.conf" else { throw ExitFailure(.configuration, "cannot read \(path)") }
            return Array(file.utf8)
        }
    }

    static func command(
        _ given: [String],
        environment: [String: String] = [:],
        file: String? = nil
    ) throws -> Sample {
        guard case .command(let command) = try parse(given, environment: environment, file: file) else {
            throw ExitFailure(.software, "no command")
        }
        return command
    }

    static func failure(
        _ given: [String],
        environment: [String: String] = [:],
        file: String? = nil
    ) -> ExitFailure? {
        do throws(ExitFailure) {
            _ = try parse(given, environment: environment, file: file)
            return nil
        } catch { return error }
    }

    @Test func `flags count over environment over file over defaults`() throws {
        let file = "port = 1\nstore-size = 1KiB\nverbose = yes"
        let all = try Self.command(
            ["--config", "f.conf", "--port", "3", "u"],
            environment: ["SAMPLE_PORT": "2", "SAMPLE_STORE_SIZE": "2KiB"],
            file: file
        )
        #expect(all.port == 3)
        #expect(all.storeSize == .kibibytes(2))
        #expect(all.verbose)
        let noFlags = try Self.command(["--config=f.conf", "u"], environment: ["SAMPLE_PORT": "2"], file: file)
        #expect(noFlags.port == 2)
        #expect(noFlags.storeSize == .kibibytes(1))
        let fileAlone = try Self.command(["u"], environment: ["SAMPLE_CONFIG": "f.conf"], file: file)
        #expect(fileAlone.port == 1)
        let nothing = try Self.command(["u"], environment: ["SAMPLE_PORT": "", "OTHER": "x"])
        #expect(nothing.port == 80)
        #expect(!nothing.verbose)
    }

    @Test func `the parser takes the last of a repeated option`() throws {
        // What the merging leans on: arguments of lower layers stand before the typed ones.
        #expect(try Sample.parse(["--port=1", "u", "--port", "2", "--verbose", "--verbose"]).port == 2)
    }

    @Test func `the flag --config counts over the variable`() throws {
        let command = try Self.command(
            ["--config", "f.conf", "u"],
            environment: ["SAMPLE_CONFIG": "missing"],
            file: "port = 1"
        )
        #expect(command.port == 1)
    }

    @Test func `a repeatable flag replaces the list of lower layers`() throws {
        let file = "host = a, b\nhost = c"
        #expect(try Self.command(["--config", "f.conf", "u"], file: file).host == ["a", "b", "c"])
        let environment = ["SAMPLE_HOST": "d,e"]
        #expect(
            try Self.command(["--config", "f.conf", "u"], environment: environment, file: file).host == ["d", "e"]
        )
        #expect(
            try Self.command(["--config", "f.conf", "--host=x", "u"], environment: environment, file: file).host == [
                "x"
            ]
        )
        #expect(try Self.command(["u"], environment: ["SAMPLE_HOST": "-dash"]).host == ["-dash"])
    }

    @Test(arguments: [
        ("true", true), ("YES", true), ("1", true), ("false", false), ("no", false), ("0", false),
    ])
    func `a flag is true or false in environment and file`(text: String, expected: Bool) throws {
        #expect(try Self.command(["u"], environment: ["SAMPLE_VERBOSE": text]).verbose == expected)
        #expect(try Self.command(["--config", "f.conf", "u"], file: "verbose=\(text)").verbose == expected)
        // The environment's word replaces the file's, also to switch off.
        let both = try Self.command(
            ["--config", "f.conf", "u"],
            environment: ["SAMPLE_VERBOSE": text],
            file: "verbose = true"
        )
        #expect(both.verbose == expected)
    }

    @Test(arguments: [
        ("stroe-size = 1", "f.conf:1: unknown key 'stroe-size'; did you mean 'store-size'?"),
        ("\n# c\nPort = 1", "f.conf:3: unknown key 'Port'; did you mean 'port'?"),
        ("config = x", "f.conf:1: unknown key 'config'; remove the line"),
        ("wholly-different = 1", "f.conf:1: unknown key 'wholly-different'; remove the line"),
        ("port = 1\nport = 2", "f.conf:2: 'port' is set already at f.conf:1; remove one of the two"),
        ("port", "f.conf:1: not 'key = value'; a comment begins with '#'"),
        ("= 1", "f.conf:1: no key before '='; write 'key = value'"),
        ("port = # 1", "f.conf:1: 'port' has no value; give one or put '#' before the line"),
        ("verbose = on", "f.conf:1: 'verbose' is true or false, not 'on'"),
        ("host = a,,b", "f.conf:1: an empty value between commas in 'a,,b'"),
        ("port = 1x", "f.conf:1: the value '1x' is invalid for '--port <port>'"),
        (
            "port = 1\nstore-size = 1Q",
            "f.conf:2: the value '1Q' is invalid for '--store-size <store-size>': "
                + "expected a number of bytes such as 10GiB, 256MiB, 500MB or 4096"
        ),
    ])
    func `an error in the file names its line`(file: String, message: String) {
        let failure = Self.failure(["--config", "f.conf", "u"], file: file)
        #expect(failure == ExitFailure(.configuration, message))
    }

    @Test(arguments: [
        ("SAMPLE_PROT", "1", "SAMPLE_PROT: no such setting; did you mean SAMPLE_PORT?"),
        ("SAMPLE_CONFG", "1", "SAMPLE_CONFG: no such setting; did you mean SAMPLE_CONFIG?"),
        ("SAMPLE_STORESIZE", "1", "SAMPLE_STORESIZE: no such setting; did you mean SAMPLE_STORE_SIZE?"),
        ("SAMPLE_", "1", "SAMPLE_: no such setting; unset it"),
        ("SAMPLE_port", "1", "SAMPLE_port: no such setting; did you mean SAMPLE_PORT?"),
        ("SAMPLE_PORT", "x", "SAMPLE_PORT: the value 'x' is invalid for '--port <port>'"),
        ("SAMPLE_VERBOSE", "2", "SAMPLE_VERBOSE: 'verbose' is true or false, not '2'"),
        ("SAMPLE_CONFIG", "missing", "cannot read missing"),
    ])
    func `an error in the environment names the variable`(name: String, value: String, message: String) {
        #expect(Self.failure(["u"], environment: [name: value]) == ExitFailure(.configuration, message))
    }

    @Test(arguments: [
        (["--port", "x", "u"], "the value 'x' is invalid for '--port <port>'; see sample --help"),
        (["--prot", "1", "u"], "unknown option '--prot'. Did you mean '--port'? See sample --help"),
        ([], "missing expected argument '<url>'; see sample --help"),
        (["u", "--config"], "missing value for '--config <config>'; see sample --help"),
        (["u", "http://ann:pw@h/"], "unexpected argument 'http://h/'; see sample --help"),
    ])
    func `an error in what was typed is a usage error`(given: [String], message: String) {
        #expect(Self.failure(given, environment: ["SAMPLE_PORT": "1"]) == ExitFailure(.usage, message))
    }

    @Test func `both wrong: the environment is named first, then the flag`() {
        #expect(Self.failure(["--store-size", "x", "u"], environment: ["SAMPLE_PORT": "x"])?.code == .configuration)
        #expect(Self.failure(["--store-size", "x", "u"], environment: ["SAMPLE_PORT": "1"])?.code == .usage)
    }

    @Test(arguments: ["--help", "-h", "--version"])
    func `help and version come whatever the environment holds`(flag: String) throws {
        let parsed = try Self.parse([flag], environment: ["SAMPLE_NONSENSE": "1"])
        guard case .text(let text) = parsed else {
            Issue.record("not a text")
            return
        }
        #expect(text.contains(flag == "--version" ? "1.2.3" : "USAGE: sample"))
    }

    @Test func `what follows -- is no option`() throws {
        #expect(try Self.command(["--", "--port=3"], environment: ["SAMPLE_PORT": "2"]).port == 2)
        #expect(try Self.command(["--", "--config=f.conf"]).url == "--config=f.conf")
    }
}
