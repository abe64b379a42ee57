// Reads the package's description and checks that the arrows between its targets point down only.

import Foundation
import TestSupport
import Testing

struct LayerTests {
    /// From the ground up; a target depends on lower layers only, never on its own.
    static let layers: [(name: String, targets: Set<String>)] = [
        ("ground", ["HTTP", "JSON"]),
        ("shared", ["PeerIdentity"]),
        ("domains", ["HTTPCache", "PeerRegistry", "Chat", "PeerNetwork"]),
        (
            "adapters",
            [
                "HTTPServer", "HTTPClient", "HTTPCacheDisk", "Daemon", "TerminalUI",
                "PeerRegistrySQLite", "PeerRegistryRedis", "ChatSQLite", "PeerCompression", "PeerTCP",
            ]
        ),
        ("libraries", ["Peers"]),
        ("apps", ["cdn", "registry", "client", "peer", "trace-simulator", "network-simulator"]),
    ]

    /// Targets in C that give a system's headers to Swift, and who may see them.
    static let shims: [String: Set<String>] = [
        "CCurl": ["HTTPClient"], "CLinux": ["HTTPCache", "HTTPCacheDisk", "HTTPServer"],
        "CXXHash": ["HTTPCache"], "CCompression": ["PeerCompression"],
    ]

    /// Packages of the network, of databases and of terminals: for adapters and apps.
    static let outward: Set<String> = [
        "swift-nio", "swift-nio-ssl", "swift-nio-http2", "grdb.swift", "swift-argument-parser",
        "swift-service-lifecycle",
    ]

    struct Target {
        let name: String
        let isTest: Bool
        var targets: [String] = []
        var packages: [String] = []

        /// From an entry of `swift package dump-package`.
        init?(_ entry: [String: Any]) {
            guard let name = entry["name"] as? String, let type = entry["type"] as? String else { return nil }
            self.name = name
            // The helpers that tests share are of type regular; their place tells.
            isTest = type == "test" || (entry["path"] as? String)?.hasPrefix("Tests/") == true
            for dependency in entry["dependencies"] as? [[String: Any]] ?? [] {
                for (kind, value) in dependency {
                    let words = (value as? [Any] ?? []).map { $0 as? String }
                    if kind == "product" {
                        packages.append((words.count > 1 ? words[1] : nil)?.lowercased() ?? "unknown")
                    } else if let target = words.first ?? nil {
                        targets.append(target)
                    }
                }
            }
        }
    }

    /// What is wrong with the arrows of `targets`, a line each.
    static func faults(in targets: [Target]) -> [String] {
        func level(_ name: String) -> Int? { layers.firstIndex { $0.targets.contains(name) } }
        return targets.filter { !$0.isTest }.flatMap { target -> [String] in
            if shims[target.name] != nil {
                return target.targets.map { "\(target.name) is a shim, and must not depend on \($0)" }
            }
            guard let own = level(target.name) else { return ["\(target.name) has no layer; LayerTests says which"] }
            let arrows = target.targets.filter { name in
                if let owners = shims[name] { return !owners.contains(target.name) }
                return (level(name) ?? own) >= own
            }
            let reaching = ["ground", "shared", "domains"].contains(layers[own].name) ? outward : []
            return arrows.map { "\(target.name) must not depend on \($0)" }
                + target.packages.filter(reaching.contains).map { "\(target.name) must not depend on package \($0)" }
        }
    }

    @Test func `the arrows between the targets point down only`() async throws {
        // A scratch path of its own: the usual one is locked while `swift test` runs.
        let scratch = try TemporaryDirectory()
        let dump = try await RunningProcess.succeed(
            [
                "swift", "package", "--package-path", SourceFile.root.path, "--scratch-path", scratch.path,
                "dump-package",
            ],
            environment: ["TMPDIR": scratch.path]
        )
        let package = try #require(try JSONSerialization.jsonObject(with: Data(dump.output.utf8)) as? [String: Any])
        let targets = try #require(package["targets"] as? [[String: Any]]).compactMap(Target.init)
        #expect(targets.contains { $0.name == "HTTP" } && targets.contains { $0.name == "cdn" })
        #expect(Self.faults(in: targets) == [])
    }

    @Test(arguments: [
        #"{"name": "HTTP", "type": "regular", "dependencies": [{"byName": ["HTTPCache", null]}]}"#,
        #"{"name": "HTTPCache", "type": "regular", "dependencies": [{"target": ["HTTPServer", null]}]}"#,
        #"{"name": "HTTPServer", "type": "regular", "dependencies": [{"byName": ["HTTPClient", null]}]}"#,
        #"{"name": "HTTPServer", "type": "regular", "dependencies": [{"byName": ["CCurl", null]}]}"#,
        #"{"name": "HTTPServer", "type": "regular", "dependencies": [{"byName": ["TestSupport", null]}]}"#,
        #"{"name": "HTTPCache", "type": "regular", "dependencies": [{"product": ["GRDB", "GRDB.swift", null, null]}]}"#,
        #"{"name": "Newcomer", "type": "regular", "dependencies": []}"#,
    ])
    func `an arrow that does not point down is found`(_ entry: String) throws {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(entry.utf8)) as? [String: Any])
        let target = try #require(Target(object))
        #expect(Self.faults(in: [target]).count == 1)
    }
}
