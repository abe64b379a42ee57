// A node of a peer network as another process: ours, or py2p's.

import Foundation

/// A running node that tells what happens as a line of JSON each, killed on deinit.
package final class RunningPeer: Sendable {
    /// Which implementation.
    package enum Kind: String, Sendable, CaseIterable {
        case ours
        case py2p
    }

    /// An event, as it was told.
    package struct Event: @unchecked Sendable {
        // Of values of JSON alone, which nobody changes.
        package let members: [String: Any]

        package var name: String { text("ev") }

        package func text(_ name: String) -> String { members[name] as? String ?? "" }

        /// A member as JSON, its names in order.
        package func json(_ name: String) -> String {
            guard let value = members[name],
                let data = try? JSONSerialization.data(
                    withJSONObject: value,
                    options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
                )
            else { return "" }
            return String(decoding: data, as: UTF8.self)
        }

        init?(_ line: String) {
            // A line that is none is what the program has printed.
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                return nil
            }
            members = object
        }
    }

    package let kind: Kind
    package let port: Int
    private let process: RunningProcess

    private init(_ kind: Kind, port: Int, _ process: RunningProcess) {
        (self.kind, self.port, self.process) = (kind, port, process)
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let python = root.appending(path: ".build/py2p/bin/python").path

    /// Whether py2p is there: `./waystation test` installs it.
    package static var isPy2pInstalled: Bool { FileManager.default.isExecutableFile(atPath: python) }

    /// Starts a node of `network` with `flags`, and waits until it listens.
    ///
    /// py2p wants a port that no client is given by chance; one that is taken is exchanged for another, ten times. Events with a
    /// name in `unheard` are dropped on their way: to read millions of them takes a test longer than a node to make them.
    package static func start(
        _ kind: Kind,
        _ network: String,
        _ flags: [String] = [],
        unheard: [String] = []
    ) async throws -> RunningPeer {
        let filter = unheard.map { "\"ev\":\"\($0)\"" }.joined(separator: "|")
        let wrapper =
            unheard.isEmpty ? [] : ["/bin/bash", "-c", #"exec "$@" > >(exec grep --line-buffered -vE "$0")"#, filter]
        var lastError: (any Error)?
        for _ in 0..<10 {
            let port = Int.random(in: 20_000..<32_000)
            let command =
                switch kind {
                case .ours: [Product.path("peer"), network, "--json"]
                case .py2p:
                    [
                        python, "-W", "ignore", root.appending(path: "Tests/EndToEndTests/py2p/node.py").path,
                        "--net", network,
                    ]
                }
            let process = try RunningProcess(wrapper + command + ["--port", "\(port)"] + flags, hasInput: true)
            let peer = RunningPeer(kind, port: port, process)
            do {
                _ = try await peer.event("ready")
                return peer
            } catch {
                lastError = error
            }
        }
        throw lastError ?? RunningProcess.Failure("no node of \(network) could be started")
    }

    package var processID: Int32 { process.processID }

    /// Where it listens.
    package var place: String { "127.0.0.1:\(port)" }

    /// Types a command.
    package func type(_ line: String) throws { try process.write(line + "\n") }

    /// Types a command and waits for what came of it.
    package func answer(_ line: String) async throws -> Event {
        let isAnswer: @Sendable (Event) -> Bool = { event in
            (event.name == "result" || event.name == "error") && event.text("cmd") == line
        }
        let before = events.count(where: isAnswer)
        try type(line)
        try await process.lines(.output, within: .seconds(30)) { lines in
            lines.compactMap { Event($0) }.count(where: isAnswer) > before
        }
        guard let answer = events.filter(isAnswer).dropFirst(before).first else {
            throw RunningProcess.Failure("no answer to '\(line)'")
        }
        return answer
    }

    /// The first event called `name` that `isWanted`, when it has come.
    @discardableResult
    package func event(
        _ name: String,
        within bound: Duration = .seconds(30),
        _ isWanted: @escaping @Sendable (Event) -> Bool = { _ in true }
    ) async throws -> Event {
        try await event(in: [name], within: bound, isWanted)
    }

    /// All events so far.
    package var events: [Event] { process.lines(.output).compactMap { Event($0) } }

    package func kill() { process.kill() }

    /// The most memory that it has had resident at a time, in octets.
    package func residentBytesPeak() throws -> Int64 { try process.memory("VmHWM") }

    /// Sends it a signal.
    package func send(_ signal: Int32) { process.send(signal) }

    package func outcome() async throws -> RunningProcess.Outcome { try await process.outcome() }

    private func event(
        in names: Set<String>,
        within bound: Duration = .seconds(30),
        _ isWanted: @escaping @Sendable (Event) -> Bool
    ) async throws -> Event {
        let line = try await process.line(
            .output,
            matching: { line in
                guard let event = Event(line) else { return false }
                return names.contains(event.name) && isWanted(event)
            },
            within: bound
        )
        guard let event = Event(line) else { throw RunningProcess.Failure("no event: \(line)") }
        return event
    }
}
