// `curl -N` on a registry's stream of changes.

import JSON
import TestSupport

/// The changes that a registry has told so far.
final class ChangesWatch: Sendable {
    struct Change: Sendable, Hashable {
        let kind: String
        let name: String
        let revision: UInt64
    }

    private let process: RunningProcess

    private init(_ process: RunningProcess) {
        self.process = process
    }

    /// Begins to watch, and returns once the registry has said after which revision it tells.
    ///
    /// - Parameters:
    ///   - base: The registry.
    ///   - since: The last revision known; nil: from now on.
    ///   - flags: Of curl.
    /// - Returns: A watch that misses nothing from here on.
    /// - Throws: If the registry tells no changes.
    static func open(_ base: String, since: UInt64? = nil, flags: [String] = []) async throws -> ChangesWatch {
        let query = since.map { "?since=\($0)" } ?? ""
        let process = try RunningProcess(["curl", "-sSfN"] + flags + ["\(base)/changes\(query)"])
        _ = try await process.line(.output, matching: { $0.hasPrefix("id:") })
        return ChangesWatch(process)
    }

    /// Returns once `name` is present at the registry: it is already, or that it joins is told.
    static func untilPresent(_ name: String, at base: String, flags: [String] = []) async throws {
        let watch = try await open(base, flags: flags)
        guard try await CurlAnswer.of(flags + ["\(base)/peers/\(name)"]).status != 200 else { return }
        try await watch.told("join", of: name)
    }

    /// The first change of this kind of `name`, when it was told.
    @discardableResult
    func told(_ kind: String, of name: String, within bound: Duration = .seconds(60)) async throws -> Change {
        let isWanted: @Sendable (Change) -> Bool = { $0.kind == kind && $0.name == name }
        try await process.lines(.output, within: bound) { Self.changes(in: $0).contains(where: isWanted) }
        guard let change = changes.first(where: isWanted) else {
            throw RunningProcess.Failure("the stream ended without \(kind) of \(name); it told \(changes)")
        }
        return change
    }

    /// All so far.
    var changes: [Change] { Self.changes(in: process.lines(.output)) }

    /// How curl ended; 0 if the registry ended the stream in good order.
    func ended() async throws -> Int32 { try await process.outcome().status }

    private static func changes(in lines: [String]) -> [Change] {
        var kind = ""
        return lines.compactMap { line in
            if line.hasPrefix("event: ") { kind = String(line.dropFirst(7)) }
            // Anything else is a comment, a number or the blank line between two changes.
            guard line.hasPrefix("data: "), let value = try? JSONValue(parsing: Array(line.utf8.dropFirst(6))),
                let name = value["id"]?.stringValue, let revision = value["revision"]?.int64Value
            else { return nil }
            return Change(kind: kind, name: name, revision: UInt64(clamping: revision))
        }
    }
}
