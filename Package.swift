// swift-tools-version: 6.2
// What is built from what. The layers are apps -> libraries -> adapters -> domains -> ground; arrows point down only.

import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Values and pure rules, imported by everything above.
func ground(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// Values and rules that more than one domain speaks in.
func shared(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The rules of one field; declares the seams that adapters fill.
func domain(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// One library or protocol each; only apps import it.
func adapter(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// Puts adapters together for programs outside of this package.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// Chooses adapters, parses flags, runs.
func app(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        path: "apps/\(name)",
        exclude: ["README.md"],
        swiftSettings: strict
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

/// C that is called from Swift: headers and shims, nothing else.
func system(_ name: String, linking libraries: [String] = []) -> Target {
    .target(name: name, linkerSettings: libraries.map { .linkedLibrary($0) })
}

/// What several test targets share.
func support(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")

let package = Package(
    name: "waystation",
    products: [
        .executable(name: "cdn", targets: ["cdn"]),
        .executable(name: "client", targets: ["client"]),
        .executable(name: "peer", targets: ["peer"]),
        .executable(name: "registry", targets: ["registry"]),
        .library(name: "Peers", targets: ["Peers", "PeerNetwork"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        system("CCompression", linking: ["bz2", "lzma", "z"]),
        system("CCurl", linking: ["curl"]),
        system("CLinux"),
        system("CXXHash"),

        ground("HTTP"),
        ground("JSON"),

        shared("PeerIdentity", ["JSON", crypto]),

        domain("HTTPCache", ["HTTP", "CLinux", "CXXHash"]),
        domain("PeerRegistry", ["HTTP", "PeerIdentity"]),
        domain("Chat", ["HTTP", "JSON", "PeerIdentity", crypto]),
        domain("PeerNetwork", ["PeerIdentity", crypto]),

        adapter(
            "HTTPServer",
            ["HTTP", "CLinux", nio("NIOCore"), nio("NIOPosix"), nio("NIOTLS"), nioSSL, logging, lifecycle]
        ),
        adapter("HTTPClient", ["HTTP", "CCurl"]),
        adapter("HTTPCacheDisk", ["HTTP", "HTTPCache", "CLinux", grdb]),
        adapter("PeerRegistrySQLite", ["HTTP", "PeerIdentity", "PeerRegistry", grdb]),
        adapter(
            "PeerRegistryRedis",
            ["HTTP", "JSON", "PeerIdentity", "PeerRegistry", nio("NIOCore"), nio("NIOPosix")]
        ),
        adapter("PeerCompression", ["PeerNetwork", "CCompression"]),
        adapter("PeerTCP", ["PeerNetwork", nio("NIOCore"), nio("NIOPosix"), nioSSL, crypto, x509, asn1]),
        adapter("ChatSQLite", ["Chat", "PeerIdentity", grdb]),
        adapter("TerminalUI", []),
        adapter("Daemon", ["HTTP", arguments, logging, lifecycle, signals]),

        library("Peers", ["PeerCompression", "PeerIdentity", "PeerNetwork", "PeerTCP"]),

        app(
            "cdn",
            ["HTTP", "HTTPCache", "HTTPCacheDisk", "HTTPClient", "HTTPServer", "Daemon", arguments, logging, lifecycle]
        ),

        app(
            "client",
            [
                "Chat", "ChatSQLite", "HTTP", "HTTPClient", "HTTPServer", "PeerIdentity", "Daemon", "TerminalUI",
                arguments, logging, lifecycle,
            ]
        ),
        app(
            "registry",
            [
                "HTTP", "HTTPServer", "PeerRegistry", "PeerRegistryRedis", "PeerRegistrySQLite", "Daemon", arguments,
                logging, lifecycle,
            ]
        ),

        app(
            "peer",
            [
                "Chat", "HTTP", "HTTPClient", "JSON", "PeerIdentity", "PeerNetwork", "PeerCompression", "PeerTCP",
                "Daemon", arguments, logging, lifecycle,
            ]
        ),

        .executableTarget(
            name: "trace-simulator",
            dependencies: ["HTTPCache"],
            path: "Benchmarks/trace-simulator",
            swiftSettings: strict
        ),

        .executableTarget(
            name: "network-simulator",
            dependencies: ["PeerNetwork"],
            path: "Benchmarks/network-simulator",
            swiftSettings: strict
        ),

        support("TestSupport", ["HTTP"]),
        .executableTarget(
            name: "terminal-echo",
            dependencies: ["TerminalUI"],
            path: "Tests/terminal-echo",
            swiftSettings: strict
        ),
        tests("TestSupport", ["TestSupport"]),
        tests("HTTP", ["HTTP", "TestSupport"]),
        tests("JSON", ["JSON", "TestSupport"], exclude: ["Oracle"]),
        tests("PeerIdentity", ["JSON", "PeerIdentity", "TestSupport", crypto], exclude: ["Vectors"]),
        tests("PeerRegistry", ["HTTP", "JSON", "PeerIdentity", "PeerRegistry", "TestSupport", crypto]),
        tests(
            "PeerRegistryStores",
            [
                "HTTP", "JSON", "PeerIdentity", "PeerRegistry", "PeerRegistrySQLite", "PeerRegistryRedis",
                "TestSupport", crypto, nio("NIOCore"), nio("NIOPosix"), grdb,
            ]
        ),
        tests(
            "Chat",
            ["HTTP", "JSON", "PeerIdentity", "PeerRegistry", "Chat", "TestSupport", crypto],
            exclude: ["Vectors"]
        ),
        tests(
            "PeerNetwork",
            [
                "PeerIdentity", "PeerNetwork", "PeerCompression", "PeerTCP", "TestSupport", "network-simulator",
                nio("NIOCore"), nio("NIOEmbedded"),
            ],
            exclude: ["Vectors"]
        ),
        tests("Peers", ["PeerNetwork", "Peers"]),
        tests("ChatSQLite", ["Chat", "ChatSQLite", "PeerIdentity", "TestSupport", crypto, grdb]),
        tests("TerminalUI", ["TerminalUI", "TestSupport", "terminal-echo"]),
        tests("HTTPCache", ["HTTP", "HTTPCache", "TestSupport"]),
        tests("HTTPCacheDisk", ["HTTP", "HTTPCache", "HTTPCacheDisk", "TestSupport", grdb, grdbSQLite]),
        tests("TraceSimulator", ["trace-simulator", "HTTPCache", "TestSupport"]),
        tests("HTTPClient", ["HTTP", "HTTPClient", "TestSupport"]),
        tests(
            "HTTPServer",
            [
                "HTTP", "HTTPClient", "HTTPServer", "TestSupport", nio("NIOCore"), nio("NIOEmbedded"), nio("NIOHTTP1"),
                nio("NIOPosix"), logging, lifecycle,
            ]
        ),
        tests("Daemon", ["Daemon", "HTTP", "TestSupport", arguments, logging, lifecycle]),
        tests("Cdn", ["cdn", "Daemon", "HTTPCache", arguments, logging]),
        tests("Peer", ["peer", "Daemon", "PeerIdentity", "PeerNetwork", "PeerTCP", "TestSupport", arguments]),
        tests(
            "EndToEnd",
            [
                "TestSupport", "HTTP", "HTTPClient", "JSON", "PeerIdentity", "PeerNetwork", "cdn", "client", "peer",
                "registry",
            ],
            exclude: ["py2p"]
        ),
        tests("Tidy", ["TestSupport"]),
    ]
)
