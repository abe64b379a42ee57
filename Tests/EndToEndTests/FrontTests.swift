// The edge that strangers see: TLS with certificates that change, the access log, and what operators are told.

import Foundation
import TestSupport
import Testing

@Suite(
    .timeLimit(.minutes(5)),
    .enabled(if: LocalCertificates.canBeMade && RunningProcess.isInstalled("curl"), "openssl or curl is not installed")
)
struct FrontTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func curl(_ arguments: String...) async throws -> RunningProcess.Outcome {
        try await RunningProcess.run(["curl", "-sS", "-m", "30"] + arguments)
    }

    /// What openssl's client says of a handshake; it stays until the server has said something after it.
    private func sClient(_ port: String, _ flags: [String]) async throws -> String {
        let process = try RunningProcess(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + flags,
            hasInput: true
        )
        // The answer comes behind the session tickets of TLS 1.3.
        try process.write("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        return try await process.outcome().output
    }

    private func medium() throws -> ScriptedOrigin {
        var file = OriginFile(Medium(count: 200_000, seed: 4))
        file.fields = [("Cache-Control", "max-age=3600")]
        return try ScriptedOrigin(file: file)
    }

    @Test(arguments: ["-tls1_3", "-tls1_2"])
    func `sessions are resumed, on whichever loop and after a change of the certificate`(version: String) async throws {
        let origin = try medium()
        defer { origin.stop() }
        let (first, second) = (try await LocalCertificates(), try await LocalCertificates())
        let files = (try directory.write("", to: "cert.pem"), try directory.write("", to: "key.pem"))
        try copy(first, to: files)
        let cdn = try await RunningCDN.start(
            "\(origin.url)/f",
            store: "none",
            "--tls-cert",
            files.0,
            "--tls-key",
            files.1
        )
        #expect(cdn.base.hasPrefix("https://"))
        let port = String(cdn.base.split(separator: ":").last ?? "")
        let session = directory.file("session")
        #expect(try await sClient(port, [version, "-sess_out", session]).contains("New, TLSv1"))
        for _ in 0..<2 {
            #expect(try await sClient(port, [version, "-sess_in", session]).contains("Reused, TLSv1"))
        }
        #expect(try await curl("--cacert", first.authority, cdn.base + "/").status == 0)
        try copy(second, to: files)
        cdn.send(SIGHUP)
        try await cdn.line { $0.contains("The certificate was read again") }
        #expect(try await sClient(port, [version, "-sess_in", session]).contains("Reused, TLSv1"))
        #expect(try await curl("--cacert", first.authority, cdn.base + "/").status == 60)
        #expect(try await curl("--cacert", second.authority, cdn.base + "/").status == 0)
        #expect(try await cdn.stop().status == 0)
    }

    @Test func `a pair that changes is used, and one of no use is told of while the old one stays`() async throws {
        let origin = try medium()
        defer { origin.stop() }
        let (first, second) = (try await LocalCertificates(), try await LocalCertificates())
        let files = (try directory.write("", to: "cert.pem"), try directory.write("", to: "key.pem"))
        try copy(first, to: files)
        let cdn = try await RunningCDN.start(
            "\(origin.url)/f",
            store: "none",
            "--tls-cert",
            files.0,
            "--tls-key",
            files.1
        )
        // Half of it, until that is found not to be on its way to a whole.
        _ = try directory.write(try String(contentsOfFile: second.certificate, encoding: .utf8), to: "cert.pem")
        try await cdn.line { $0.contains("is of no use; the old one stays") }
        #expect(try await curl("--cacert", first.authority, cdn.base + "/").status == 0)
        _ = try directory.write(try String(contentsOfFile: second.key, encoding: .utf8), to: "key.pem")
        try await cdn.line { $0.contains("The certificate was read again") }
        #expect(try await curl("--cacert", second.authority, cdn.base + "/").status == 0)
        try FileManager.default.removeItem(atPath: files.1)
        try await cdn.line { $0.contains("cannot read the key file") }
        #expect(try await curl("--cacert", second.authority, cdn.base + "/").status == 0)
        #expect(try await cdn.stop().status == 0)
    }

    @Test func `the access log is rotated by SIGHUP and whole at the end`() async throws {
        let origin = try medium()
        defer { origin.stop() }
        let log = directory.file("access.log")
        let cdn = try await RunningCDN.start("\(origin.url)/f", store: "none", "--access-log", log)
        for agent in ["one", "t\"wo"] {
            #expect(try await curl("-o", "/dev/null", "-A", agent, "-e", "http://r/", cdn.base + "/").status == 0)
        }
        try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
        cdn.send(SIGHUP)
        while !FileManager.default.fileExists(atPath: log) { await Task.yield() }
        #expect(try await curl("-o", "/dev/null", "-r", "0-9", cdn.base + "/").status == 0)
        #expect(try await cdn.stop().status == 0)
        let lines = try [log + ".1", log].flatMap { file in
            try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        }
        // Each event loop hands its lines over by itself: which of two loops' lines comes first is open.
        #expect(lines.count == 3, "\(lines)")
        for part in [
            #"] "GET / HTTP/1.1" 200 200000 "http://r/" "one" "uri-miss" "#,
            #"200 200000 "http://r/" "t\x22wo" "hit" "#,
            #"] "GET / HTTP/1.1" 206 10 "-" "curl/"#,
        ] {
            #expect(lines.count { $0.contains(part) } == 1, "\(part) of \(lines)")
        }
    }

    @Test func `the access log goes to standard output, and a wrong one is an error`() async throws {
        let process = try RunningProcess([
            RunningCDN.executable, "http://127.0.0.1:9/", "--port", "0", "--store", "none", "--access-log", "-",
        ])
        let line = try await process.line { $0.hasPrefix("cdn: serving ") }
        let base = String(line.split(separator: " ").last ?? "")
        #expect(try await curl("-o", "/dev/null", base + "/x").status == 0)
        let written = try await process.line(.output) { $0.contains("/x") }
        #expect(written.contains(#""GET /x HTTP/1.1" 502 "#) && written.contains(#" "miss" "#), "\(written)")
        process.kill()
        let wrong = try await RunningProcess.run([
            RunningCDN.executable, "http://127.0.0.1:9/", "--port", "0", "--store", "none", "--access-log", "/no/log",
        ])
        #expect(wrong.status == 73)
        #expect(wrong.errors.contains("cannot open the access log /no/log: No such file or directory; give --access"))
    }

    @Test func `a wrong certificate is an exit that says what to do`() async throws {
        let file = try directory.write("nothing", to: "cert.pem")
        let outcome = try await RunningProcess.run([
            RunningCDN.executable, "http://127.0.0.1:9/", "--port", "0", "--store", "none",
            "--tls-cert", file, "--tls-key", file,
        ])
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("holds no certificate in PEM form"), "\(outcome.errors)")
    }

    @Test func `operators see counts, times and where a fill is`() async throws {
        let origin = try medium()
        defer { origin.stop() }
        let cdn = try await RunningCDN.start("\(origin.url)/f", store: "none", "--admin-port", "0")
        let admin = try #require(cdn.adminBase)
        #expect(try await curl(admin + "/health").output == "{\"status\":\"ok\"}\n")
        #expect(try await curl(admin + "/fills").output == "[]\n")
        for _ in 0..<3 { _ = try await curl("-o", "/dev/null", cdn.base + "/") }
        var text = ""
        // The event loops count a few times a second.
        for _ in 0..<100 where !text.contains("cdn_requests_total{cache=\"hit\"} 2\n") {
            text = try await curl(admin + "/metrics").output
        }
        for line in [
            "cdn_requests_total{cache=\"uri-miss\"} 1", "cdn_origin_requests_total 1",
            "cdn_origin_received_bytes_total 200000", "cdn_first_octet_duration_seconds_count{cache=\"hit\"} 2",
            "cdn_first_octet_duration_seconds_count{cache=\"other\"} 1", "cdn_fills 0", "cdn_readers_waiting 0",
            "cdn_origin_first_octet_duration_seconds_count 1", "cdn_store_usage_bytes 200000",
            "cdn_memory_objects 1", "cdn_store_failures_total 0", "cdn_access_log_lines_dropped_total 0",
            "cdn_connections_accepted_total 3",
        ] { #expect(text.contains("\n\(line)\n"), "\(line) is not in\n\(text)") }
        #expect(try await cdn.stop().status == 0)
    }

    @Test func `a fill that the origin lets wait is listed, with who waits for it`() async throws {
        let gate = Gate()
        defer { gate.open() }
        let origin = try ScriptedOrigin { _ in
            Reply.response(
                200,
                [("ETag", "\"1\""), ("Cache-Control", "max-age=60")],
                medium: Medium(count: 100_000, seed: 1)
            ).stall(afterBodyOctets: 60_000, until: gate)
        }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start("\(origin.url)/a\"b", store: "none", "--admin-port", "0")
        let admin = try #require(cdn.adminBase)
        let reader = try RunningProcess(["curl", "-sS", "-o", "/dev/null", "-m", "60", cdn.base + "/"])
        var text = ""
        for _ in 0..<200 where !(text.contains("\"readersWaiting\":1") && text.contains("60000")) {
            text = try await curl(admin + "/fills").output
        }
        let list = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]], "\(text)")
        let fill = try #require(list.first)
        #expect(list.count == 1)
        #expect(
            (fill["key"] as? String)?.hasSuffix("/a%22b") == true
                || (fill["key"] as? String)?.hasSuffix("/a\"b") == true
        )
        #expect(fill["octets"] as? Int == 60_000 && fill["first"] as? Int == 0 && fill["end"] as? Int == 100_000)
        #expect(fill["readers"] as? Int == 1)
        let metrics = try await curl(admin + "/metrics").output
        #expect(metrics.contains("\ncdn_fills 1\n") && metrics.contains("\ncdn_readers_waiting 1\n"))
        gate.open()
        #expect(try await reader.outcome().status == 0)
        for _ in 0..<200 where text != "[]\n" { text = try await curl(admin + "/fills").output }
        #expect(text == "[]\n")
        #expect(try await cdn.stop().status == 0)
    }

    /// Opens connections that each get a body, and keeps them until its standard input ends.
    private static let idleClients = """
        import socket, ssl, sys
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        held = []
        for _ in range(int(sys.argv[2])):
            client = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
            client.sendall(b"GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n")
            octets = b""
            while b"\\r\\n\\r\\n" not in octets: octets += client.recv(65536)
            head, body = octets.split(b"\\r\\n\\r\\n", 1)
            count = len(body)
            while count < int(sys.argv[3]): count += len(client.recv(65536))
            held.append(client)
        print("held", flush=True)
        sys.stdin.read()
        """

    @Test(.enabled(if: RunningProcess.isInstalled("python3"), "python3 is not installed"))
    func `a connection over TLS that rests takes at most 32 KiB, even after a large body`() async throws {
        var file = OriginFile(Medium(count: 1_000_000, seed: 4))
        file.fields = [("Cache-Control", "max-age=3600")]
        let origin = try ScriptedOrigin(file: file)
        defer { origin.stop() }
        let certificates = try await LocalCertificates()
        let cdn = try await RunningCDN.start(
            "\(origin.url)/f",
            store: "none",
            "--tls-cert",
            certificates.certificate,
            "--tls-key",
            certificates.key
        )
        let port = String(cdn.base.split(separator: ":").last ?? "")
        func hold(_ count: Int) async throws -> RunningProcess {
            let script = try directory.write(Self.idleClients, to: "idle.py")
            let clients = try RunningProcess(["python3", script, port, "\(count)", "1000000"], hasInput: true)
            _ = try await clients.line(.output) { $0 == "held" }
            return clients
        }
        // What the first ones take is the program's for ever.
        let first = try await hold(20)
        let before = try cdn.residentBytes()
        let rest = try await hold(100)
        var each = Int64.max
        // Memory is given back at a tick.
        for _ in 0..<100 where each > 32 << 10 {
            _ = try await curl("--cacert", certificates.authority, "-o", "/dev/null", "-r", "0-9", cdn.base + "/")
            each = (try cdn.residentBytes() - before) / 100
        }
        #expect(each <= 32 << 10)
        for clients in [first, rest] { clients.endInput() }
        #expect(try await cdn.stop().status == 0)
    }

    private func copy(_ certificates: LocalCertificates, to files: (String, String)) throws {
        for (from, to) in [(certificates.certificate, files.0), (certificates.key, files.1)] {
            try Data(contentsOf: URL(filePath: from)).write(to: URL(filePath: to))
        }
    }
}
