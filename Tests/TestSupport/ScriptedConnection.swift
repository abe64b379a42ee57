// One connection of the scripted origin: reads requests, takes the steps of their replies, on a thread of its own.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The state of one connection; lives on its thread.
final class ScriptedConnection {
    /// Why a connection is over.
    private enum End: Error {
        case client
        case script
        case stopped
    }

    private let origin: ScriptedOrigin
    private let number: Int
    private let descriptor: Int32
    private let waker: WakePipe
    /// Octets read and not yet used.
    private var input: [UInt8] = []
    private var unreadBody: BodyFraming = .length(0)
    // Of the reply under way:
    private var request = 0
    private var bodySent: Int64 = 0
    private var octetsPerSecond: Int?
    private var isOctetByOctet = false
    private var limits: [(at: Int64, step: Reply.Step)] = []

    private enum BodyFraming {
        case length(Int)
        case chunked
    }

    init(origin: ScriptedOrigin, number: Int, descriptor: Int32, waker: WakePipe) {
        self.origin = origin
        self.number = number
        self.descriptor = descriptor
        self.waker = waker
    }

    /// Serves until the connection ends.
    func run() {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        do {
            var index = 0
            while let lines = try readHead() {
                unreadBody = framing(of: lines)
                let body = origin.readsBodyFirst ? try readBody(octetsMax: .max) : []
                let (request, reply) = origin.record(lines, body, connection: number, indexOnConnection: index)
                self.request = request
                try perform(reply)
                origin.completedReplies.advance()
                if !origin.readsBodyFirst { _ = try readBody(octetsMax: .max) }
                index += 1
            }
            throw End.client
        } catch End.client {
            origin.departures.advance()
        } catch {
            // The script's or the test's own wish.
        }
        origin.forget(connection: number)
        close(descriptor)
    }

    // MARK: Steps

    private func perform(_ reply: Reply) throws {
        bodySent = 0
        octetsPerSecond = nil
        isOctetByOctet = false
        limits = []
        for step in reply.steps {
            switch step {
            case .raw(let bytes): try write(bytes[...], isBody: false)
            case .body(let bytes): try writeBody(bytes[...])
            case .medium(let medium, let range):
                var position = range.lowerBound
                while position < range.upperBound {
                    let end = min(range.upperBound, position + 256 << 10)
                    try writeBody(medium.octets(in: position..<end)[...])
                    position = end
                }
            case .readBody(let octetsMax): _ = try readBody(octetsMax: octetsMax)
            case .wait(let gate): try wait(for: gate)
            case .pause(let duration): try wait(milliseconds: milliseconds(duration)) { false }
            case .throttle(let rate): octetsPerSecond = rate
            case .octetByOctet: isOctetByOctet = true
            case .cut(let at), .reset(let at), .stall(let at, _):
                limits.append((at, step))
                limits.sort { $0.at < $1.at }
            case .close: throw End.script
            case .abort: try abort()
            case .hang: try wait(milliseconds: nil) { false }
            }
        }
        try reachLimits()
    }

    private func writeBody(_ bytes: ArraySlice<UInt8>) throws {
        try reachLimits()
        var rest = bytes
        while !rest.isEmpty {
            let untilLimit = limits.first.map { Int(min($0.at - bodySent, Int64(Int32.max))) } ?? .max
            // In slices of a fiftieth of a second, so that a throttled body flows evenly.
            let slice = octetsPerSecond.map { max(1, $0 / 50) } ?? .max
            let piece = rest.prefix(min(untilLimit, slice))
            try write(piece, isBody: true)
            rest = rest.dropFirst(piece.count)
            if let octetsPerSecond {
                try wait(milliseconds: Int32(clamping: max(1, piece.count * 1000 / octetsPerSecond))) { false }
            }
            try reachLimits()
        }
    }

    private func reachLimits() throws {
        while let limit = limits.first, limit.at <= bodySent {
            limits.removeFirst()
            switch limit.step {
            case .cut: throw End.script
            case .reset: try abort()
            case .stall(_, let gate): try wait(for: gate)
            default: break
            }
        }
    }

    private func abort() throws -> Never {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        throw End.script
    }

    // MARK: Waiting

    private func wait(for gate: Gate) throws {
        let waker = self.waker
        gate.whenOpen { waker.wake() }
        try wait(milliseconds: nil) { gate.isOpen }
    }

    private func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    /// Returns when `isOver` or the time is up; throws when the client left or the origin stops.
    private func wait(milliseconds: Int32?, until isOver: () -> Bool) throws {
        var clock = ContinuousClock.now
        var left = milliseconds
        while !isOver() {
            // POLLRDHUP, 0x2000: the client has closed its side.
            try poll(events: 0x2000, milliseconds: left ?? -1)
            guard let before = left else { continue }
            let now = ContinuousClock.now
            left = before - self.milliseconds(now - clock)
            clock = now
            if left ?? 0 <= 0 { return }
        }
    }

    /// Waits for `events` on the socket, a wake-up, or the time; throws if the client is gone or the origin stops.
    private func poll(events: Int32, milliseconds: Int32) throws {
        var descriptors = [
            pollfd(fd: descriptor, events: Int16(events), revents: 0),
            pollfd(fd: waker.readEnd, events: Int16(POLLIN), revents: 0),
        ]
        _ = Glibc.poll(&descriptors, 2, milliseconds)
        if descriptors[1].revents != 0 { waker.drain() }
        if origin.isStopping { throw End.stopped }
        let gone = Int32(descriptors[0].revents) & (0x2000 | POLLERR | POLLHUP)
        if gone != 0, Int32(descriptors[0].revents) & POLLIN == 0 { throw End.client }
    }

    // MARK: Octets

    private func write(_ bytes: ArraySlice<UInt8>, isBody: Bool) throws {
        var rest = bytes
        while !rest.isEmpty {
            let piece = isOctetByOctet ? rest.prefix(1) : rest
            let count = piece.withUnsafeBytes { piece in
                send(descriptor, piece.baseAddress, piece.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                rest = rest.dropFirst(count)
                guard isBody else { continue }
                bodySent += Int64(count)
                origin.recordSent(count, for: request)
            } else if errno == EAGAIN {
                try poll(events: POLLOUT, milliseconds: -1)
            } else if errno != EINTR {
                throw End.client
            }
        }
    }

    /// The lines of the next head, or nil if the client ended the connection between two requests.
    private func readHead() throws -> [String]? {
        while true {
            if let end = input.firstRange(of: [0x0d, 0x0a, 0x0d, 0x0a]) {
                let head = input[..<end.lowerBound]
                input.removeSubrange(..<end.upperBound)
                // Latin-1, so that every octet is seen.
                let text = String(String.UnicodeScalarView(head.map { Unicode.Scalar($0) }))
                return text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                    String(line.last == "\r" ? line.dropLast() : line)
                }
            }
            guard try readMore() else { return nil }
        }
    }

    private func framing(of lines: [String]) -> BodyFraming {
        for line in lines.dropFirst() {
            let lowercased = line.lowercased()
            if lowercased.hasPrefix("transfer-encoding:"), lowercased.hasSuffix("chunked") { return .chunked }
            if lowercased.hasPrefix("content-length:") {
                return .length(Int(lowercased.dropFirst("content-length:".count).trimmed) ?? 0)
            }
        }
        return .length(0)
    }

    private func readBody(octetsMax: Int) throws -> [UInt8] {
        switch unreadBody {
        case .length(let length):
            let wanted = min(length, octetsMax)
            while input.count < wanted {
                guard try readMore() else { throw End.client }
            }
            unreadBody = .length(length - wanted)
            return take(wanted)
        case .chunked:
            var body: [UInt8] = []
            while body.count < octetsMax {
                let size = try readChunkSize()
                while input.count < size + 2 {
                    guard try readMore() else { throw End.client }
                }
                body += take(size)
                _ = take(2)
                if size == 0 {
                    unreadBody = .length(0)
                    break
                }
            }
            return body
        }
    }

    private func readChunkSize() throws -> Int {
        while true {
            if let end = input.firstRange(of: [0x0d, 0x0a]) {
                let line = String(decoding: take(end.upperBound).dropLast(2), as: UTF8.self)
                return Int(line.prefix { $0.isHexDigit }, radix: 16) ?? 0
            }
            guard try readMore() else { throw End.client }
        }
    }

    private func take(_ count: Int) -> [UInt8] {
        let taken = Array(input.prefix(count))
        input.removeFirst(count)
        return taken
    }

    /// Reads something; false at the end of the stream.
    private func readMore() throws -> Bool {
        while true {
            try poll(events: POLLIN, milliseconds: -1)
            let chunk = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
                count = max(0, recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)))
            }
            if !chunk.isEmpty {
                input += chunk
                return true
            }
            if errno != EAGAIN && errno != EINTR { return false }
            // Zero octets: the end, unless errno is left over from an earlier call.
            var octet: UInt8 = 0
            if recv(descriptor, &octet, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) == 0 { return false }
        }
    }
}

extension Array<UInt8> {
    /// Where `pattern` first stands.
    fileprivate func firstRange(of pattern: [UInt8]) -> Range<Int>? {
        guard count >= pattern.count else { return nil }
        for start in 0...count - pattern.count where self[start] == pattern[0] {
            if self[start..<start + pattern.count].elementsEqual(pattern) { return start..<start + pattern.count }
        }
        return nil
    }
}
