// The web servers that people run, each as an origin that logs the request line of all that it takes for a request.

import Foundation
import TestSupport

/// A server of one make on a free port of 127.0.0.1 that answers everything and echoes the query as X-Query.
final class LoggingOrigin: Sendable {
    enum Make: String, Sendable, CaseIterable {
        case nginx, apache2, haproxy, node, python3

        var isInstalled: Bool { RunningProcess.isInstalled(rawValue) }
    }

    let base: String
    private let make: Make
    private let process: RunningProcess
    private let directory: TemporaryDirectory

    private init(_ make: Make, base: String, process: RunningProcess, directory: TemporaryDirectory) {
        (self.make, self.base, self.process, self.directory) = (make, base, process, directory)
    }

    /// Starts it; a port that another took meanwhile is tried again, five times.
    static func start(_ make: Make) async throws -> LoggingOrigin {
        var lastError: (any Error)?
        for _ in 0..<5 {
            let (directory, port) = (try TemporaryDirectory(), try freePort())
            let process = try RunningProcess(try command(make, directory, port))
            let origin = LoggingOrigin(make, base: "http://127.0.0.1:\(port)", process: process, directory: directory)
            do {
                _ = try await origin.mark()
                return origin
            } catch {
                lastError = error
            }
        }
        throw lastError ?? RunningProcess.Failure("\(make) did not start")
    }

    /// The request lines so far; to be called when at least `count` are expected, which are waited for.
    func requestLines(atLeast count: Int) async throws -> [String] {
        try await process.lines(.output, within: .seconds(20)) { Self.requests($0).count >= count }
        // Had it more to say, it would have been said before this.
        let mark = try await mark()
        return Self.requests(process.lines(.output).prefix { !$0.contains(mark) }).map(unescaped)
    }

    /// The line as it came: Apache and HAProxy escape what would disturb a log.
    private func unescaped(_ line: String) -> String {
        switch make {
        case .apache2: line.replacing(#/\\(.)/#) { String($0.1) }
        case .haproxy:
            line.replacing(#/#([0-9A-F]{2})/#) { match in
                UInt8(match.1, radix: 16).map { String(Unicode.Scalar($0)) } ?? String(match.0)
            }
        case .nginx, .node, .python3: line
        }
    }

    private static func requests(_ lines: some Sequence<String>) -> [String] {
        lines.filter { $0.hasPrefix("request ") && !$0.contains("/mark-") }.map { String($0.dropFirst(8)) }
    }

    /// Asks the server itself, and waits until that is in its log.
    private func mark() async throws -> String {
        let mark = "/mark-\(UUID().uuidString)"
        let asking = ["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "--retry", "20", "--retry-connrefused"]
        try await RunningProcess.succeed(asking + ["--retry-delay", "0", "--retry-max-time", "20", base + mark])
        _ = try await process.line(.output, matching: { $0.contains(mark) }, within: .seconds(20))
        return mark
    }

    private static func command(_ make: Make, _ directory: TemporaryDirectory, _ port: Int) throws -> [String] {
        switch make {
        case .nginx:
            let file = try directory.write(nginx(directory.path, port), to: "nginx.conf")
            return ["nginx", "-p", directory.path, "-c", file, "-e", "stderr"]
        case .apache2:
            let file = try directory.write(apache(directory.path, port), to: "apache.conf")
            return ["apache2", "-X", "-f", file]
        case .haproxy:
            return ["haproxy", "-db", "-f", try directory.write(haproxy(port), to: "haproxy.cfg")]
        case .node: return ["node", try directory.write(node, to: "origin.js"), "\(port)"]
        case .python3: return ["python3", "-u", try directory.write(python, to: "origin.py"), "\(port)"]
        }
    }

    private static func nginx(_ directory: String, _ port: Int) -> String {
        """
        daemon off;
        master_process off;
        pid \(directory)/nginx.pid;
        error_log stderr crit;
        events { worker_connections 1024; }
        http {
            log_format entry escape=none 'request $request';
            access_log /dev/stdout entry;
            client_body_temp_path \(directory)/body;
            proxy_temp_path \(directory)/proxy;
            fastcgi_temp_path \(directory)/fastcgi;
            uwsgi_temp_path \(directory)/uwsgi;
            scgi_temp_path \(directory)/scgi;
            add_header X-Query $args always;
            server { listen 127.0.0.1:\(port); return 200 "ok"; }
        }
        """
    }

    private static func apache(_ directory: String, _ port: Int) -> String {
        """
        ServerRoot \(directory)
        ServerName origin
        PidFile \(directory)/pid
        Listen 127.0.0.1:\(port)
        LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
        LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
        LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
        Mutex file:\(directory) default
        DefaultRuntimeDir \(directory)
        DocumentRoot \(directory)
        ErrorLog /dev/stderr
        LogLevel crit
        LogFormat "request %r" entry
        CustomLog /dev/stdout entry
        AllowEncodedSlashes NoDecode
        Header always set X-Query "expr=%{QUERY_STRING}"
        """
    }

    private static func haproxy(_ port: Int) -> String {
        """
        global
            log stdout format raw local0
        defaults
            mode http
            log global
            log-format "request %r"
            option dontlognull
            timeout client 20s
            timeout connect 5s
            timeout server 20s
        frontend origin
            bind 127.0.0.1:\(port)
            http-request return status 200 content-type text/plain hdr X-Query "%[query]" string ok

        """
    }

    private static let node = """
        const http = require('http');
        const say = (text) => console.log('request ' + text);
        const answer = (request, response) => {
            say(request.method + ' ' + request.url + ' HTTP/' + request.httpVersion);
            const question = request.url.indexOf('?');
            response.setHeader('X-Query', question < 0 ? '' : request.url.slice(question + 1));
            request.resume();
            request.on('end', () => response.end('ok'));
        };
        const server = http.createServer(answer);
        server.on('clientError', (error, socket) => {
            // What follows on the connection is not looked at.
            if (socket.isBad) return;
            socket.isBad = true;
            if (error.rawPacket) say(error.rawPacket.toString('latin1').split('\\r\\n')[0]);
            if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n');
        });
        server.on('upgrade', (request, socket) => { say(request.method + ' ' + request.url + ' UPGRADE'); socket.destroy(); });
        server.listen(Number(process.argv[2]), '127.0.0.1');
        """

    private static let python = """
        import http.server, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def parse_request(self):
                line = self.raw_requestline.decode('latin-1').rstrip('\\r\\n')
                sys.stdout.write('request ' + line + '\\n')
                return super().parse_request()
            def __getattr__(self, name):
                if name.startswith('do_'): return self.answer
                raise AttributeError(name)
            def answer(self):
                if self.headers.get('Transfer-Encoding', '').lower() == 'chunked':
                    while True:
                        size = int(self.rfile.readline().split(b';')[0], 16)
                        self.rfile.read(size)
                        if size == 0: break
                        self.rfile.readline()
                    while self.rfile.readline() not in (b'\\r\\n', b''): pass
                else:
                    self.rfile.read(int(self.headers.get('Content-Length', 0)))
                self.send_response(200)
                self.send_header('X-Query', self.path.partition('?')[2])
                self.send_header('Content-Length', '2')
                self.end_headers()
                if self.command != 'HEAD': self.wfile.write(b'ok')
            def log_message(self, *arguments): pass
        http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
        """
}
