// A file of the repository as the tidy rules see it.

import Foundation

/// Its place, its lines, and its code without comments and string literals.
struct SourceFile: Sendable {
    /// From the package's root, as in `Sources/HTTP/Fields.swift`.
    let path: String
    let text: String
    let lines: [String]

    init(path: String, text: String) {
        (self.path, self.text) = (path, text)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
    }

    /// The package's root.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Names at the root that are not the repository's: version control and what is built.
    static let foreign: Set<String> = [".git", "build", "Package.resolved"]

    /// Every text file of the repository, read once.
    static let tree: [SourceFile] = topLevel.flatMap { name in
        let paths = (FileManager.default.subpaths(atPath: root.appending(path: name).path) ?? []).map {
            "\(name)/\($0)"
        }
        return ([name] + paths).sorted().compactMap { (path: String) -> SourceFile? in
            // A directory or a file that is not text is none of ours to judge.
            guard let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8) else { return nil }
            return SourceFile(path: path, text: text)
        }
    }

    static var topLevel: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return names.filter { !foreign.contains($0) && !$0.hasPrefix(".build") }
    }

    var isCode: Bool {
        ["Sources/", "Tests/", "apps/"].contains { path.hasPrefix($0) }
            && [".swift", ".c", ".h"].contains { path.hasSuffix($0) }
    }

    var isSource: Bool { isCode && path.hasPrefix("Sources/") }

    /// The text of the comment that the file begins with.
    var firstComment: String {
        lines.prefix { $0.hasPrefix("//") }.map { $0.dropFirst(2) }.joined()
    }

    /// Whether one of `words` is in it anywhere: quick, so that patterns are tried on few files.
    func mentions(_ words: [String]) -> Bool {
        words.contains { text.range(of: $0, options: .literal) != nil }
    }

    /// Lines that are a fault by their code, that is without comments and string literals on one line, as `path:line`.
    func places(_ isFault: (String) -> Bool) -> [String] {
        zip(1..., lines).compactMap { number, line in
            guard isFault(line) else { return nil }
            let code = line.replacing(#/"(\\.|[^"\\])*"/#, with: "\"\"").replacing(#/\/\/.*/#, with: "")
            return isFault(code) ? "\(path):\(number)" : nil
        }
    }
}
