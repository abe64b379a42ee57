// TLS: what only it can do wrong. Everything else is asked of it in the lists that each carrier must pass.

import Foundation
import HTTP
import HTTPClient
import HTTPServer
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)), .enabled(if: Certificate.canBeMade, "needs openssl (Debian: openssl)"))
struct TLSTests {
    // MARK: Clients of other make

    @Test func `libcurl trusts the certificate and gets bodies from memory and from files`() async throws {
        let medium = Medium(count: 3_000_000)
        let directory = try TemporaryDirectory()
        let descriptor = open(try directory.write(medium.octets, to: "medium"), O_RDONLY)
        let region = FileRegion(file: OpenFile(owning: descriptor), offset: 0, count: 3_000_000)
        let responder = ClosureResponder(answer: { request in
            #expect(request.scheme == "https")
            guard request.targetText == "/file" else { return Response(status: 200, body: Body(medium.octets)) }
            return Response(status: 200, body: Body(length: 3_000_000, content: .file(region)))
        })
        try await withServer(over: .tls, responder) { port, _ in
            let certificate = try Certificate.shared()
            var configuration = HTTPClientConfiguration()
            configuration.extraCAFile = certificate.certificateFile
            let client = CurlClient(configuration: configuration)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await client.run() }
                defer { client.shutdown() }
                for target in ["/file", "/memory", "/file"] {
                    let request = Request(
                        scheme: "https",
                        authority: "localhost:\(port)",
                        target: Array(target.utf8)
                    )
                    let response = try await client.respond(to: request)
                    #expect(medium.matches(try await response.body.collect(upTo: 3_000_000)[...], at: 0))
                }
            }
        }
    }

    @Test(arguments: [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")], ["h2", "http/1.1"])
    func `openssl speaks both versions of TLS and of HTTP`(tls: (String, String), name: String) async throws {
        try await withServer(over: .tls, ClosureResponder()) { port, _ in
            let output = try await Self.sClient(port, [tls.0, "-alpn", name == "h2" ? "http/1.1,h2" : name])
            #expect(output.contains(tls.1))
            #expect(output.contains("ALPN protocol: \(name)"))
        }
    }

    @Test func `TLS 1-1 is refused`() async throws {
        try await withServer(over: .tls, ClosureResponder()) { port, _ in
            let output = try await Self.sClient(port, ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
            #expect(output.contains("(NONE)"))
        }
    }

    // MARK: Those who do not shake hands

    @Test func `plain HTTP is closed without a word in the log or an answer in plain`() async throws {
        let log = MessageLog()
        try await withServer(over: .tls, ClosureResponder(), log: log) { port, _ in
            try await Carrier.$isSecure.withValue(false) {
                let client = try await RawClient.connect(port: port)
                try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                let text = try await client.receiveAll().text
                #expect(!text.contains("HTTP/"))
            }
        }
        #expect(log.levels.all.withLock { $0 }.allSatisfy { $0 <= .debug })
    }

    @Test(arguments: ["", "\u{16}\u{3}\u{1}\u{2}", "\u{16}\u{3}\u{1}\u{0}\u{40}\u{1}\u{0}\u{0}\u{3c}"])
    func `a handshake that never ends is closed in time`(beginning: String) async throws {
        try await withServer(
            over: .tls,
            ClosureResponder(),
            configure: { $0.idleTimeout = .seconds(50) },
            adjustTLS: { $0.handshakeTimeout = .milliseconds(100) }
        ) { port, _ in
            try await Carrier.$isSecure.withValue(false) {
                let client = try await RawClient.connect(port: port)
                if !beginning.isEmpty { try await client.send(beginning) }
                #expect(try await client.receiveAll().text == "")
            }
        }
    }

    @Test(
        arguments: [
            // Alerts, data before the handshake, an SSLv2 hello, a record that is too long, a hello of 16 MiB.
            [0x15, 3, 1, 0, 2, 2, 0x28], [0x17, 3, 3, 0, 1, 0], [0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10],
            [0x16, 3, 1, 0xff, 0xff, 1, 0, 0, 0],
            [0x16, 3, 1, 0x10, 0, 1, 0xff, 0xff, 0xff] + [UInt8](repeating: 3, count: 0x1000 - 4),
            // A server's message, and empty records without end.
            [0x16, 3, 1, 0, 4, 2, 0, 0, 0],
            [UInt8](repeating: 0, count: 200).enumerated().map { [0x16, 3, 1, 0, 0][$0.offset % 5] },
        ] as [[UInt8]]
    )
    func `a handshake that is none is closed long before its time is up`(octets: [UInt8]) async throws {
        let log = MessageLog()
        try await withServer(over: .tls, ClosureResponder(), log: log) { port, _ in
            try await Carrier.$isSecure.withValue(false) {
                let client = try await RawClient.connect(port: port)
                let start = ContinuousClock().now
                try await client.send(octets)
                let text = try await client.receiveAll().text
                #expect(!text.contains("HTTP/"))
                #expect(ContinuousClock().now - start < .seconds(9))
            }
        }
        #expect(log.levels.all.withLock { $0 }.allSatisfy { $0 <= .debug })
    }

    @Test func `a hello cut at any octet is closed when its client ends, and leaves nothing behind`() async throws {
        // Of a real client, without the extensions that differ from time to time.
        let hello: [UInt8] =
            [0x16, 3, 1, 0, 0x31, 1, 0, 0, 0x2d, 3, 3] + [UInt8](repeating: 7, count: 32)
            + [0, 0, 2, 0x13, 1, 1, 0, 0, 2, 0, 0]
        try await withServer(over: .tls, ClosureResponder()) { port, _ in
            for count in 1...hello.count {
                try await Carrier.$isSecure.withValue(false) {
                    let client = try await RawClient.connect(port: port)
                    try await client.send(Array(hello.prefix(count)))
                    client.shutDownSending()
                    _ = try await client.receiveAll()
                }
            }
            let client = try await RawClient.connect(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(try await client.receiveAll().text.hasPrefix("HTTP/1.1 404 "))
        }
    }

    @Test func `a handshake in time is not closed by that bound`() async throws {
        try await withServer(
            over: .tls,
            ClosureResponder(),
            configure: { $0.idleTimeout = .milliseconds(3500) },
            adjustTLS: { $0.handshakeTimeout = .milliseconds(1500) }
        ) { port, _ in
            let clock = ContinuousClock()
            let client = try await RawClient.connect(port: port)
            let start = clock.now
            #expect(try await client.receiveAll().end == .closed)
            #expect(clock.now - start > .milliseconds(2000))
        }
    }

    // MARK: Ends

    @Test func `a body that breaks off ends without close_notify`() async throws {
        let source = ScriptedSource(chunks: 1, of: 10, stalls: true)
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(source)))
        })
        try await withServer(over: .tls, responder, configure: { $0.shutdownGrace = .milliseconds(50) }) {
            port,
            group in
            let client = try await RawClient.connect(port: port)
            // HTTP/1.0: only the connection's end tells the body's.
            try await client.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n")
            _ = try await client.receive(through: "xxxxxxxxxx")
            await group.triggerGracefulShutdown()
            #expect(try await client.receiveAll().end != .closed)
        }
    }

    @Test func `a client that goes without close_notify is gone at once`() async throws {
        let source = ScriptedSource(chunks: 1, of: 10, stalls: true)
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(source)))
        })
        try await withServer(over: .tls, responder, configure: { $0.halfClosedTimeout = .seconds(50) }) { port, _ in
            do {
                let client = try await RawClient.connect(port: port)
                try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await client.receive(through: "xxxxxxxxxx\r\n")
                await source.stalled.wait()
            }
            await source.cancelled.wait()
        }
    }

    // MARK: Files that are wrong

    @Test func `wrong files are errors that say what to do`() async throws {
        let own = try Certificate.shared()
        let other = try Certificate.another()
        let directory = other.directory
        let encrypted = directory.file("encrypted.pem")
        try Certificate.openssl(["pkey", "-in", own.keyFile, "-aes256", "-passout", "pass:x", "-out", encrypted])
        let broken = try directory.write(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            to: "broken.pem"
        )
        let brokenKey = try directory.write(
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            to: "broken-key.pem"
        )
        let cases: [(String, String, HTTPServerError.Code, String)] = [
            ("/no/cert.pem", own.keyFile, .badCertificate, "/no/cert.pem: No such file or directory; give"),
            (own.certificateFile, "/no/key.pem", .badKey, "/no/key.pem: No such file or directory; give"),
            (directory.path, own.keyFile, .badCertificate, "Is a directory"),
            (own.keyFile, own.keyFile, .badCertificate, "holds no certificate in PEM form"),
            (own.certificateFile, own.certificateFile, .badKey, "holds no private key in PEM form"),
            (broken, own.keyFile, .badCertificate, "cannot be read"),
            (own.certificateFile, brokenKey, .badKey, "cannot be read"),
            (own.certificateFile, other.keyFile, .badKey, "is not that of the first certificate"),
            (own.certificateFile, encrypted, .badKey, "is encrypted: give one that is not, as made by openssl pkey"),
        ]
        for (certificate, key, code, text) in cases {
            var configuration = HTTPServerConfiguration(unixTime: { 0 })
            configuration.addresses = [.loopback(port: 0)]
            configuration.tls = TLSConfiguration(certificateFile: certificate, keyFile: key)
            let server = Server(
                configuration: configuration,
                responder: ClosureResponder(),
                logger: Logger(label: "test")
            )
            let error = await #expect(throws: HTTPServerError.self) { try await server.bind() }
            #expect(error?.code == code, "\(text)")
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "") lacks \(text)")
        }
    }

    // MARK: Parts

    /// What openssl's client says of a handshake.
    private static func sClient(_ port: Int, _ flags: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = ["s_client", "-connect", "127.0.0.1:\(port)"] + flags
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        let (ends, end) = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        for await _ in ends {}
        return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }
}

/// Keeps the levels of what is logged.
struct MessageLog: LogHandler {
    final class Levels: Sendable {
        let all = Mutex<[Logger.Level]>([])
    }

    let levels = Levels()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        levels.all.withLock { $0.append(event.level) }
    }
}
