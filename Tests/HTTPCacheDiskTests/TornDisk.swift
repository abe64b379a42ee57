// What a power loss leaves of a directory: what was flushed, and of the rest whatever the disk had got to.

import Foundation
import Synchronization

/// Watches a store's directory and keeps moments at which the power could fail.
final class TornDisk: Sendable {
    /// A file at one moment.
    struct File: Sendable {
        /// What was flushed; nil if the file may be lost altogether.
        var durable: [UInt8]?
        var current: [UInt8]
    }

    /// All files at one moment, by their path in the directory.
    typealias Moment = [String: File]

    private struct State {
        var durable: [String: [UInt8]] = [:]
        var moments: [Moment] = []
        var generator: Seeded
        var momentsMax: Int
        var seen = 0
    }

    private let directory: String
    private let state: Mutex<State>

    /// Watches `directory`, whose index is open and flushed as it is; keeps some moments at which it is being flushed.
    init(_ directory: String, seed: UInt64, momentsMax: Int) {
        self.directory = directory
        state = Mutex(State(generator: Seeded(seed), momentsMax: momentsMax))
        for (name, octets) in files() where name.hasPrefix("index") {
            state.withLock { $0.durable[name] = octets }
        }
        SyncWatch.watch(directory) { [weak self] path, isDone in self?.sync(path, isDone) }
    }

    deinit {
        SyncWatch.unwatch(directory)
    }

    var moments: [Moment] { state.withLock { $0.moments } }

    /// Keeps this moment.
    func capture() {
        let files = files()
        state.withLock { state in
            let durable = state.durable
            state.moments.append(
                Dictionary(uniqueKeysWithValues: files.map { ($0, File(durable: durable[$0], current: $1)) })
            )
        }
    }

    private func sync(_ path: String, _ isDone: Bool) {
        let name = String(path.dropFirst(directory.count + 1))
        let isKept = state.withLock { state in
            state.seen += 1
            guard state.moments.count < state.momentsMax else { return false }
            return state.seen <= 3 || UInt8.random(in: 0..<4, using: &state.generator) == 0
        }
        if !isDone, isKept { capture() }
        if isDone {
            let octets = Self.read(path)
            state.withLock { $0.durable[name] = octets }
            if isKept { capture() }
        }
    }

    private func files() -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        let names = FileManager.default.enumerator(atPath: directory)?.allObjects as? [String] ?? []
        for name in names where name.hasPrefix("bodies/") && name.count > 9 || name.hasPrefix("index") {
            if !name.hasSuffix("-shm") { files[name] = Self.read(directory + "/" + name) }
        }
        return files
    }

    private static func read(_ path: String) -> [UInt8] {
        // It may be deleted between the listing and this.
        FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
    }

    /// Writes what the power loss at `moment` has left to the directory `path`.
    static func write(_ moment: Moment, torn generator: inout Seeded, to path: String) throws {
        let mood = Int.random(in: 0..<4, using: &generator)
        for (name, file) in moment.sorted(by: { $0.key < $1.key }) {
            let isIndex = name.hasPrefix("index")
            guard let octets = tear(file, mood, isIndex: isIndex, &generator) else { continue }
            let url = URL(filePath: path + "/" + name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(octets).write(to: url)
        }
        if Bool.random(using: &generator) {
            let octets = (0..<32_768).map { _ in UInt8.random(in: 0...255, using: &generator) }
            try Data(octets).write(to: URL(filePath: path + "/index.sqlite-shm"))
        }
    }

    /// What is left of one file; nil: nothing, not even its name.
    private static func tear(_ file: File, _ mood: Int, isIndex: Bool, _ generator: inout Seeded) -> [UInt8]? {
        let (old, new) = (file.durable ?? [], file.current)
        if file.durable == nil, mood < 2, Int.random(in: 0..<6, using: &generator) == 0 { return nil }
        switch mood {
        case 0 where Bool.random(using: &generator): return file.durable
        case 1 where Bool.random(using: &generator): return new
        default: break
        }
        // How many of 100 blocks that were not flushed are lost.
        let loss = [50, 5, 20, 90].randomElement(using: &generator) ?? 50
        var result = [UInt8](repeating: 0, count: max(old.count, new.count))
        result.replaceSubrange(0..<old.count, with: old)
        for start in stride(from: 0, to: new.count, by: 4096) {
            let end = min(start + 4096, new.count)
            guard Int.random(in: 0..<100, using: &generator) < loss else {
                result.replaceSubrange(start..<end, with: new[start..<end])
                continue
            }
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: break
            case 1:
                let half = min(end, start + 512 * Int.random(in: 1..<8, using: &generator))
                result.replaceSubrange(start..<half, with: new[start..<half])
            default:
                let half = min(end, start + 512 * Int.random(in: 1..<8, using: &generator))
                result.replaceSubrange(half..<end, with: new[half..<end])
            }
        }
        // The size is that before or after, or was on its way.
        let sizes = [new.count, new.count, old.count, Int.random(in: 0...max(old.count, new.count), using: &generator)]
        let size = sizes.randomElement(using: &generator) ?? new.count
        return Array(result[..<max(size, min(old.count, new.count))])
    }
}
