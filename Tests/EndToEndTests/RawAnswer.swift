// What a client of bare sockets sees of one answer: its head, its octets, and whether it ended as it should.

import Foundation
import TestSupport

/// One answer of HTTP/1.1, read to the end of its connection and taken apart without any library.
struct RawAnswer: Sendable {
    /// 0: there was no head.
    var status = 0
    var head = ""
    var body: [UInt8] = []
    /// Whether the body ended where its framing says that it ends.
    var isWhole = false

    /// The value of a field; nil if it is not there.
    func value(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    /// Sends `request` on a connection of its own and reads until the server closes it.
    static func ask(port: UInt16, _ request: [UInt8]) async -> RawAnswer {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: exchange(port, request)) }
        }
    }

    /// GETs `target`, with further lines.
    static func get(port: UInt16, _ target: String, _ lines: String = "") async -> RawAnswer {
        await ask(port: port, Array("GET \(target) HTTP/1.1\r\nHost: cdn\r\nConnection: close\r\n\(lines)\r\n".utf8))
    }

    // MARK: Private

    private static func exchange(_ port: UInt16, _ request: [UInt8]) -> RawAnswer {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) == 0 }
        }
        guard isConnected else { return RawAnswer() }
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var rest = request[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            // It may have its answer already.
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return parse(all, isClosed: count == 0) }
            all += chunk[..<count]
        }
    }

    private static func parse(_ octets: [UInt8], isClosed: Bool) -> RawAnswer {
        var answer = RawAnswer()
        var rest = octets[...]
        while let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) {
            answer.head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            answer.status = Int(answer.head.dropFirst(9).prefix(3)) ?? 0
            rest = rest[end.upperBound...]
            if answer.status >= 200 { break }
            answer.status = 0
        }
        guard answer.status > 0 else { return answer }
        if let length = answer.value("Content-Length").flatMap({ Int($0) }), answer.status != 304 {
            answer.body = Array(rest.prefix(length))
            answer.isWhole = rest.count == length
        } else if answer.value("Transfer-Encoding") != nil {
            (answer.body, answer.isWhole) = chunks(rest)
        } else {
            answer.body = Array(rest)
            answer.isWhole = isClosed
        }
        return answer
    }

    private static func chunks(_ octets: ArraySlice<UInt8>) -> ([UInt8], isWhole: Bool) {
        var body: [UInt8] = []
        var rest = octets
        while let end = rest.firstRange(of: [0x0d, 0x0a]) {
            guard let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16) else { break }
            rest = rest[end.upperBound...]
            if size == 0 { return (body, rest.elementsEqual([0x0d, 0x0a])) }
            body += rest.prefix(size)
            guard rest.count >= size + 2 else { break }
            rest = rest.dropFirst(size + 2)
        }
        return (body, false)
    }
}

extension RunningCDN {
    /// The port that it serves on.
    var port: UInt16 { base.split(separator: ":").last.flatMap { UInt16($0) } ?? 0 }
}
