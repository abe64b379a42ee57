// Reads the whole tree and checks the rules of the house that the formatter does not know.

import Testing

struct TidyTests {
    @Test(arguments: Rule.all) func `the tree keeps the rule`(_ rule: Rule) {
        #expect(SourceFile.tree.flatMap(rule.faults) == [])
    }

    @Test(arguments: Rule.all) func `the rule finds what breaks it`(_ rule: Rule) {
        #expect(rule.faults(rule.example) != [])
    }

    @Test(arguments: [
        "let clock = ContinuousClock()", "let age = now.timeIntervalSince(then)", "let t = eventLoop.now",
        "group.addTask { await run() }", "await withTaskGroup(of: Int.self) { group in", "// Task { } and Date()",
        "let name = \"Date()\"", "fingerprint(of: file)", "let dates = [update()]", "try parse()",
    ])
    func `what is like a fault but is none is left alone`(_ line: String) {
        let file = SourceFile(path: "Sources/A/B.swift", text: "// B.\n\(line)\n")
        #expect(Rule.all.flatMap { $0.faults(file) } == [])
    }

    @Test func `the whole tree was read`() {
        let paths = Set(SourceFile.tree.map(\.path))
        #expect(paths.isSuperset(of: ["Package.swift", "waystation", "Sources/HTTP/Fields.swift", ".ci/run"]))
    }

    @Test func `the top level holds what it is meant to and dot files`() {
        let allowed: Set<String> = [
            "Package.swift", "Sources", "Tests", "apps", "CMakeLists-compat", "README.md", "waystation", "LICENSE",
            "Benchmarks",
        ]
        #expect(SourceFile.topLevel.filter { !$0.hasPrefix(".") && !allowed.contains($0) } == [])
    }
}
