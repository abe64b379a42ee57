// A real origin with TLS and HTTP/2 for these tests: Debian's nginx on a loopback port of its own, where it is installed.

import TestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An nginx that serves a directory over https with a certificate made for this test.
final class Nginx: Sendable {
    /// Whether nginx and openssl are here; tests that need them are skipped by name if not.
    static let isInstalled = access("/usr/sbin/nginx", X_OK) == 0 && access("/usr/bin/openssl", X_OK) == 0

    let directory: TemporaryDirectory
    let port: UInt16
    /// The certificate, which signed itself.
    var certificate: String { directory.file("cert.pem") }
    private let process: pid_t

    /// Starts nginx; `options` are lines for its server block.
    init(options: String = "", http2: Bool = true) throws {
        directory = try TemporaryDirectory()
        let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        let names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        let files = ["-keyout", directory.file("key.pem"), "-out", directory.file("cert.pem")]
        let openssl = ["/usr/bin/openssl"] + key.split(separator: " ").map { String($0) } + names + files
        try Self.run(openssl, log: directory.file("log"))
        // nginx cannot tell which port it got: it inherits a listening socket that we bound.
        let (descriptor, port) = try Self.listen()
        defer { close(descriptor) }
        self.port = port
        mkdir(directory.file("www"), 0o755)
        _ = try directory.write(
            """
            \(getuid() == 0 ? "user root;" : "") worker_processes 1; daemon off; pid \(directory.path)/pid; error_log stderr crit;
            events { worker_connections 256; }
            http {
                access_log \(directory.path)/access.log; client_body_temp_path \(directory.path)/body;
                proxy_temp_path \(directory.path)/p; fastcgi_temp_path \(directory.path)/f;
                uwsgi_temp_path \(directory.path)/u; scgi_temp_path \(directory.path)/s;
                server {
                    listen 127.0.0.1:\(port) ssl\(http2 ? " http2" : "");
                    ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.2 TLSv1.3;
                    root \(directory.path)/www; client_max_body_size 0;
                    \(options)
                }
            }
            """,
            to: "nginx.conf"
        )
        process = try Self.spawn(
            ["/usr/sbin/nginx", "-p", directory.path, "-c", directory.file("nginx.conf")],
            environment: ["NGINX=\(descriptor);"],
            log: directory.file("log"),
            inheriting: descriptor
        )
    }

    /// `localhost:PORT`.
    var authority: String { "localhost:\(port)" }

    /// Ends nginx and its workers as a crash would, the kernel closing their connections.
    func crash() {
        kill(-process, SIGKILL)
    }

    /// Ends nginx and waits for it; once.
    func stop() {
        kill(process, SIGTERM)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Writes `medium` where nginx serves it as `/name`.
    func add(_ medium: Medium, as name: String) throws {
        _ = try directory.write(medium.octets, to: "www/\(name)")
    }

    private static func run(_ arguments: [String], log: String) throws {
        let process = try spawn(arguments, environment: [], log: log)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        guard status == 0 else { throw TestSupportError.systemCall(arguments.joined(separator: " "), errno: status) }
    }

    private static func spawn(
        _ arguments: [String],
        environment: [String],
        log: String,
        inheriting: Int32? = nil
    ) throws -> pid_t {
        var process: pid_t = 0
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = (environment + ["PATH=/usr/bin:/bin"]).map { strdup($0) } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        // Onto itself: it stays open in this child alone.
        if let inheriting { posix_spawn_file_actions_adddup2(&actions, inheriting, inheriting) }
        // A process group of its own, so that its workers can be ended with it.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        let failure = posix_spawn(&process, arguments[0], &actions, &attributes, argv, envp)
        guard failure == 0 else { throw TestSupportError.systemCall("spawn \(arguments[0])", errno: failure) }
        return process
    }

    private static func listen() throws -> (Int32, UInt16) {
        #if canImport(Glibc)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, 64) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw TestSupportError.systemCall("bind", errno: errno) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}
