// A plain nginx as the origin: the web server that most media lie on, with a count of what it sent.

import Foundation

/// nginx serving a directory on a free port of 127.0.0.1, one process, its access log an event for each request.
package final class NginxOrigin: Sendable {
    /// One request as nginx logged it when its response was over.
    package struct Entry: Sendable, CustomStringConvertible {
        package let method: String
        package let target: String
        package let status: Int
        /// Octets of the body that went out.
        package let bodyBytes: Int
        package let range: String

        package var description: String { "\(method) \(target) \(status) \(bodyBytes) bytes, range \(range)" }
    }

    package let base: String
    private let process: RunningProcess
    private let directory: TemporaryDirectory

    private init(base: String, process: RunningProcess, directory: TemporaryDirectory) {
        (self.base, self.process, self.directory) = (base, process, directory)
    }

    /// Starts nginx on the files below `root`; a port that another took meanwhile is tried again, five times.
    package static func start(serving root: String) async throws -> NginxOrigin {
        var lastError: (any Error)?
        for _ in 0..<5 {
            let (directory, port) = (try TemporaryDirectory(), try freePort())
            let text = text(root: root, directory: directory.path, port: port)
            let configuration = try directory.write(text, to: "nginx.conf")
            let process = try RunningProcess([
                "nginx", "-p", directory.path, "-c", configuration, "-e", "stderr",
            ])
            do {
                // Said after the socket listens.
                _ = try await process.line(matching: { $0.contains("using the \"epoll\" event method") })
                return NginxOrigin(base: "http://127.0.0.1:\(port)", process: process, directory: directory)
            } catch {
                lastError = error
            }
        }
        throw lastError ?? RunningProcess.Failure("nginx did not start")
    }

    /// Every request whose response was over when this was called.
    package func entries() async throws -> [Entry] {
        // The mark's own line comes after those of all that was over before it.
        let mark = "/mark-\(UUID().uuidString)"
        try await RunningProcess.succeed(["curl", "-sS", "--noproxy", "*", base + mark])
        _ = try await process.line(.output, matching: { $0.contains(mark) })
        return process.lines(.output).compactMap(Self.entry).filter { !$0.target.hasPrefix("/mark-") }
    }

    /// The first request for a target with this prefix after the first `count` entries, when its response is over.
    package func entry(to prefix: String, after count: Int, within bound: Duration) async throws -> Entry {
        @Sendable func found(_ lines: [String]) -> Entry? {
            lines.compactMap(Self.entry).filter { !$0.target.hasPrefix("/mark-") }.dropFirst(count)
                .first { $0.target.hasPrefix(prefix) }
        }
        try await process.lines(.output, within: bound) { found($0) != nil }
        guard let entry = found(process.lines(.output)) else {
            throw RunningProcess.Failure("nginx ended before a request for \(prefix)")
        }
        return entry
    }

    private static func entry(_ line: String) -> Entry? {
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 5, let status = Int(words[2]), let bodyBytes = Int(words[3]) else { return nil }
        return Entry(method: words[0], target: words[1], status: status, bodyBytes: bodyBytes, range: words[4])
    }

    private static func text(root: String, directory: String, port: Int) -> String {
        """
        daemon off;
        master_process off;
        pid \(directory)/nginx.pid;
        error_log stderr notice;
        events { worker_connections 1024; }
        http {
            types {
                video/mp4 mp4 m4s; video/webm webm; video/mp2t ts; text/html html;
                application/vnd.apple.mpegurl m3u8;
            }
            log_format entry '$request_method $request_uri $status $body_bytes_sent $http_range-';
            access_log /dev/stdout entry;
            client_body_temp_path \(directory)/body;
            proxy_temp_path \(directory)/proxy;
            fastcgi_temp_path \(directory)/fastcgi;
            uwsgi_temp_path \(directory)/uwsgi;
            scgi_temp_path \(directory)/scgi;
            server {
                listen 127.0.0.1:\(port);
                root \(root);
                location ~ ^/(mark|report)- { add_header Cache-Control no-store; return 204; }
            }
        }
        """
    }
}
