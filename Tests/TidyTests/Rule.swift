// The rules of the house that a reader of one file at a time can check, each with a file that breaks it.

/// A rule, how to find what breaks it, and an example of that.
struct Rule: Sendable {
    /// What holds, as a sentence.
    let name: String
    /// The places in a file that break it, with a word of why where that is not plain.
    let faults: @Sendable (SourceFile) -> [String]
    let example: SourceFile

    /// The one file that may start a task which it owns: a request that the express lane could not answer.
    static let connectionOwner = "Sources/HTTPServer/Transport/RequestTasks.swift"

    /// The files that read the time of day: one for our programs to hand on, one in place of a program that is not ours.
    static let clockOwners: Set<String> = ["Sources/Daemon/Process/WallClock.swift", "Sources/Peers/Listening.swift"]

    private static let clocks = [
        "Date", ".now", "SinceNow", "Clock", "clock_gettime", "gettimeofday", "time(", "CFAbs",
    ]
    private static let machines = ["/work", "/root", "/Users", "/opt", "../shared"]

    static let all = [
        Rule(
            name: "a file has at most 600 lines, and above 400 its first comment says why",
            faults: { file in
                guard file.isCode, file.lines.count > 400 else { return [] }
                if file.lines.count > 600 { return ["\(file.path): \(file.lines.count) lines"] }
                return file.firstComment.contains("400 lines") ? [] : ["\(file.path): no word on its 400 lines"]
            },
            example: SourceFile(path: "Sources/A/B.swift", text: "// B.\n" + String(repeating: "\n", count: 400))
        ),
        Rule(
            name: "the first line of a file is a comment, a sentence that says what it is for",
            faults: { file in
                guard file.isCode, let first = file.lines.first else { return [] }
                return first.hasPrefix("// ") && file.firstComment.contains(".") ? [] : [file.path]
            },
            example: SourceFile(path: "Tests/A/B.swift", text: "import A\n")
        ),
        code("nothing in Sources prints", "print(answer)", about: ["rint("]) {
            $0.contains(#/(^|[^\w.])(debugP|p)rint\(/#)
        },
        code("nothing in Sources reads the wall clock", "let now = Date()", about: clocks, but: clockOwners) {
            $0.contains(
                #/\bDate\(\)|SinceNow\b|\b(Date|DispatchWallTime|\w*Clock(\(\))?)\.now\b|[:=(,]\s*\.now\b(?!\()/#
            )
                || $0.contains(#/\b(gettimeofday|CFAbsoluteTimeGetCurrent|time\(nil)/#)
                || $0.contains(#/\bclock_gettime\((?!CLOCK_(MONOTONIC|PROCESS_CPUTIME_ID))/#)
        },
        code(
            "nothing in Sources starts a task that nobody owns",
            "Task { await run() }",
            about: ["Task"],
            but: [connectionOwner]
        ) {
            $0.contains(#/\bTask\s*(<.*>)?\s*(\(.*\))?\s*\{|\bTask\.(detached|immediate)/#)
        },
        code("nothing in Sources stops the process", "try! parse()", about: ["try!", "fatalError", "preconditionF"]) {
            $0.contains(#/\btry!|\b(fatalError|preconditionFailure)\(/#)
        },
        Rule(
            name: "no file or directory has a name that says nothing",
            faults: { file in
                let parts = file.path.split(separator: "/").map { $0.prefix { $0 != "." } }
                return parts.contains { $0.contains(#/(Core|Common|Util|Utils|Utilities|Helper|Helpers|Manager)$/#) }
                    ? [file.path] : []
            },
            example: SourceFile(path: "Sources/HTTPCore/A.swift", text: "// A.\n")
        ),
        Rule(
            name: "no type has the name of its module",
            faults: { file in
                guard file.isSource else { return [] }
                let module = file.path.split(separator: "/")[1]
                guard file.mentions([" \(module):", " \(module) ", " \(module)<"]) else { return [] }
                return file.places { line in
                    line.firstMatch(of: #/\b(struct|class|enum|actor|protocol) (\w+)/#).map { $0.2 == module } ?? false
                }
            },
            example: SourceFile(path: "Sources/Chat/A.swift", text: "// A.\nfinal class Chat: Sendable {}\n")
        ),
        Rule(
            name: "no path of one machine is written down",
            faults: { file in
                // The examples of this directory are such paths.
                guard !file.path.hasPrefix("Tests/TidyTests/"), file.mentions(machines) else { return [] }
                return zip(1..., file.lines).compactMap { number, line in
                    line.contains(#/(^|[^\w.])\/(work|root|Users\/\w+|opt\/swift)\b|\.\.\/shared\b/#)
                        ? "\(file.path):\(number)" : nil
                }
            },
            example: SourceFile(path: "waystation", text: "cd /root/waystation\n")
        ),
    ]

    /// A rule about lines of code in Sources, except in the file `but`.
    private static func code(
        _ name: String,
        _ example: String,
        about words: [String],
        but allowed: Set<String> = [],
        isFault: @escaping @Sendable (String) -> Bool
    ) -> Rule {
        Rule(
            name: name,
            faults: { file in
                guard file.isSource, !allowed.contains(file.path), file.mentions(words) else { return [] }
                return file.places(isFault)
            },
            example: SourceFile(path: "Sources/A/B.swift", text: "// B.\n\(example)\n")
        )
    }
}

extension Rule: CustomStringConvertible {
    var description: String { name }
}
