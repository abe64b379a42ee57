// NIOHTTP1 as the oracle: generated and mutated requests go through both parsers, and every difference has a named reason.

import HTTP
import HTTPServer
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

/// A request as either parser saw it.
private struct SeenRequest: Equatable, CustomStringConvertible {
    var method: String
    var target: [UInt8]
    var minorVersion: Int
    var fields: [String]
    var body: [UInt8] = []

    var description: String {
        "\(method) \(String(decoding: target, as: UTF8.self)) 1.\(minorVersion) \(fields) +\(body.count)"
    }
}

/// What a parser made of a connection's octets.
private struct Reading: CustomStringConvertible {
    var requests: [SeenRequest] = []
    /// The error that ended it, if one did.
    var error: String?
    var refusal: RequestRefusal?
    /// Whether the last request or what follows is not complete.
    var isIncomplete = false
    /// Whether a request said that it is the last.
    var isClosed = false

    var description: String {
        "\(requests) error: \(error ?? "-") incomplete: \(isIncomplete) closed: \(isClosed)"
    }
}

/// A small generator that is the same everywhere (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite struct ParserOracleTests {
    @Test(arguments: (1...6).map { UInt64($0) &* 7_919 })
    func `every difference from NIOHTTP1 has a named reason`(_ seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        var tally: [String: Int] = [:]
        for number in 0..<4000 {
            let octets = RequestGenerator.connection(using: &generator)
            let ours = readOurs(octets)
            let theirs = readTheirs(octets)
            let reasons = differences(ours, theirs, octets)
            for reason in reasons {
                tally[reason, default: 0] += 1
                // One example of each kind is enough.
                guard reason.hasPrefix("unexplained"), tally[reason] == 1 else { continue }
                Issue.record("seed \(seed), case \(number): \(reason)\n\(visible(octets))\n\(ours)\n\(theirs)")
            }
        }
        // The comparison means something only if much is accepted by both and much is refused.
        #expect(tally["same requests", default: 0] > 1000, "\(tally)")
        #expect(tally["both refuse", default: 0] > 100, "\(tally)")
    }

    // MARK: The two readings

    private func readOurs(_ octets: [UInt8]) -> Reading {
        var reading = Reading()
        var position = 0
        var parser = RequestParser()
        var head = RequestHead()
        do throws(RequestRefusal) {
            while position < octets.count {
                let rest = Array(octets[position...])
                guard let count = try parser.parse(rest.span, limits: RequestParser.Limits(), into: &head) else {
                    reading.isIncomplete = true
                    return reading
                }
                var request = SeenRequest(
                    method: String(decoding: rest[head.methodRange], as: UTF8.self),
                    target: Array(rest[head.target]),
                    minorVersion: head.minorVersion,
                    fields: head.lines.map { line in
                        String(decoding: rest[line.name] + [0x3a] + rest[line.value], as: UTF8.self)
                    }
                )
                position += count
                switch parser.semantics.framing {
                case .none: break
                case .length(let length):
                    let end = min(Int64(octets.count - position), length)
                    request.body = Array(octets[position..<position + Int(end)])
                    position += Int(end)
                    reading.isIncomplete = end < length
                case .chunked:
                    let decoded = try decodeChunked([Array(octets[position...])])
                    request.body = decoded?.data ?? []
                    position += decoded?.count ?? octets.count - position
                    reading.isIncomplete = decoded == nil
                }
                if !reading.isIncomplete { reading.requests.append(request) }
                if parser.semantics.isConnect { reading.refusal = .connectRefused }
                reading.isClosed = !parser.semantics.keepsAlive || parser.semantics.isConnect
                if reading.isIncomplete || reading.isClosed { return reading }
            }
        } catch {
            reading.refusal = error
            reading.error = error.rawValue
        }
        return reading
    }

    private func readTheirs(_ octets: [UInt8]) -> Reading {
        var reading = Reading()
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
        )
        do {
            try channel.writeInbound(ByteBuffer(bytes: octets))
        } catch {
            reading.error = "\(error)"
        }
        var current: SeenRequest?
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                current = SeenRequest(
                    method: head.method.rawValue,
                    target: Array(head.uri.utf8),
                    minorVersion: head.version.minor,
                    fields: head.headers.map { "\($0.name):\($0.value)" }
                )
            case .body(let buffer):
                current?.body += Array(buffer: buffer)
            case .end:
                if let request = current { reading.requests.append(request) }
                current = nil
            }
        }
        reading.isIncomplete = current != nil
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return reading
    }

    // MARK: The comparison

    private func differences(_ ours: Reading, _ theirs: Reading, _ octets: [UInt8]) -> [String] {
        var reasons: [String] = []
        for (mine, other) in zip(ours.requests, theirs.requests) {
            if let reason = difference(mine, other) { reasons.append(reason) }
        }
        if reasons.isEmpty, ours.requests.count == theirs.requests.count { reasons.append("same requests") }
        if ours.requests.count < theirs.requests.count {
            reasons.append(whyStricter(ours, theirs, octets))
        } else if ours.requests.count > theirs.requests.count {
            reasons.append(whyLaxer(ours, theirs, octets))
        } else if ours.refusal != nil, theirs.error != nil {
            reasons.append("both refuse")
        } else if let refusal = ours.refusal {
            reasons.append(rule(refusal, in: octets) ?? "unexplained: ours refuses by \(refusal)")
        } else if theirs.error != nil, !ours.isClosed {
            reasons.append(whyLaxer(ours, theirs, octets))
        }
        return reasons
    }

    /// What differs between two readings of one request, if anything does.
    private func difference(_ mine: SeenRequest, _ other: SeenRequest) -> String? {
        var other = other
        let scheme = Array("http://".utf8)
        if String(decoding: other.target.prefix(7), as: UTF8.self).lowercased() == "http://" {
            // Of an absolute target ours keeps path and query (RFC 9112 section 3.2.2).
            let rest = other.target.dropFirst(scheme.count)
            // Without a path that is "/", or the asterisk-form of OPTIONS, which has no octets (section 3.2.4).
            let pathless: [UInt8] = mine.method == "OPTIONS" ? [] : [0x2f]
            other.target = rest.firstIndex(of: 0x2f).map { Array(rest[$0...]) } ?? pathless
        }
        guard mine != other else { return nil }
        if mine.method == "CONNECT" { return "after CONNECT llhttp reads no body; ours refuses it anyway" }
        other.fields = other.fields.map { field in
            String(field.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }
        if mine == other {
            return "llhttp leaves HTAB at the end of a value (RFC 9112 section 5.1: it is not part of it)"
        }
        return "unexplained: both accept a request and read it differently"
    }

    /// Ours took fewer requests: which of our rules is stricter than llhttp's, checked against the octets again.
    private func whyStricter(_ ours: Reading, _ theirs: Reading, _ octets: [UInt8]) -> String {
        if ours.isClosed { return "ours reads nothing after a request that is the last one" }
        guard let refusal = ours.refusal else { return "unexplained: ours waits where theirs has a request" }
        return rule(refusal, in: octets) ?? "unexplained: ours refuses by \(refusal) what theirs takes"
    }

    /// The name of a rule by which ours is stricter, if the octets show that it applies.
    private func rule(_ refusal: RequestRefusal, in octets: [UInt8]) -> String? {
        let text = String(decoding: octets, as: Unicode.ASCII.self).lowercased()
        let holds: Bool =
            switch refusal {
            // llhttp takes any number of empty lines, and a lone LF or CR as a line's end there.
            case .emptyLines: text.contains("\r\n\r\n\r\n")
            // A body may end between CR and LF.
            case .bareLF: hasBareLF(octets) || text.contains("content-length:")
            case .bareCR: hasBareCR(octets)
            // llhttp does not look at Host at all.
            case .missingHost: true
            case .repeatedHost: text.ranges(of: "host:").count > 1
            case .badHost, .hostDiffers: text.contains("host:")
            // llhttp takes these octets and forms in a target.
            case .badTarget: true
            case .fragmentInTarget: text.contains("#")
            // llhttp folds lines, and skips whitespace before the first one.
            case .lineFolding: text.contains("\n ") || text.contains("\n\t")
            case .whitespaceBeforeField: text.contains("\n ") || text.contains("\n\t")
            // llhttp takes whitespace around the version, and HTTP/0.9 and 2.0.
            case .badVersion: text.contains("http/")
            case .unsupportedVersion: text.contains("http/0.9") || text.contains("http/2.0")
            // llhttp takes equal lengths, other codings before chunked, and codings in HTTP/1.0.
            case .repeatedLength: text.ranges(of: "content-length:").count > 1
            case .unknownCoding, .badCoding, .repeatedCoding, .codingInOldVersion:
                text.contains("transfer-encoding:")
            // llhttp takes leading zeros, as RFC 9110 section 8.6 does.
            case .badLength: text.contains("content-length:")
            case .lengthWithCoding: text.contains("transfer-encoding:") && text.contains("content-length:")
            // llhttp lets control characters through in values.
            case .badFieldValue: octets.contains { $0 < 0x20 && ![9, 10, 13].contains($0) || $0 == 0x7f }
            case .badChunkSize, .badChunkExtension, .missingChunkEnd, .chunkTooLarge, .badTrailer:
                text.contains("chunked")
            case .connectRefused: text.contains("connect ")
            default: false
            }
        return holds ? "ours is stricter: \(refusal)" : nil
    }

    /// Ours took more requests: which rule of llhttp's is no rule of RFC 9112.
    private func whyLaxer(_ ours: Reading, _ theirs: Reading, _ octets: [UInt8]) -> String {
        let error = theirs.error ?? ""
        let next = ours.requests.dropFirst(theirs.requests.count).first
        if error == "invalid HTTP method", next.map({ !knownMethods.contains($0.method) }) ?? true {
            return "llhttp knows a fixed list of methods, RFC 9110 section 9.1 any token"
        }
        if ["invalid character in content-length header", "unknown (http_parser error)"].contains(error),
            octets.indices.contains(where: { octets[$0] == 0x09 && octets[$0...].starts(with: [0x09, 0x0d, 0x0a]) })
        {
            return "llhttp leaves HTAB at the end of a value (RFC 9112 section 5.1: it is not part of it)"
        }
        if error == "invalid character in chunk size header", octets.contains(0x3b), octets.contains(0x09) {
            return "llhttp takes no HTAB before a chunk extension (RFC 9112 section 7.1.1: BWS may be one)"
        }
        return "unexplained: theirs refuses by \(error) what ours takes"
    }

    private let knownMethods: Set<String> = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]

    private func hasBareLF(_ octets: [UInt8]) -> Bool {
        octets.indices.contains { octets[$0] == 0x0a && ($0 == 0 || octets[$0 - 1] != 0x0d) }
    }

    private func hasBareCR(_ octets: [UInt8]) -> Bool {
        octets.indices.contains { octets[$0] == 0x0d && ($0 + 1 == octets.count || octets[$0 + 1] != 0x0a) }
    }

    private func visible(_ octets: [UInt8]) -> String {
        octets.map { $0 >= 0x20 && $0 < 0x7f ? String(UnicodeScalar($0)) : "\\x\(String($0, radix: 16))" }.joined()
    }
}
