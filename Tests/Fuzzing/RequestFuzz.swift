// The request parser: the same head however the octets are cut, and nothing in it that another could read differently.

import HTTP
import HTTPServer

/// Octets: two that say how to cut, then the head.
struct RequestFuzz: FuzzTarget {
    /// What a parser made of the octets.
    private enum Reading: Equatable {
        case head(ReadHead)
        case incomplete
        case refused(RequestRefusal)
    }

    private struct ReadHead: Equatable {
        var method: [UInt8]
        var target: [UInt8]
        var authority: [UInt8]
        var lines: [[UInt8]]
        var minorVersion: Int
        var semantics: RequestSemantics
        var count: Int
    }

    func run(_ octets: [UInt8]) {
        guard octets.count > 2 else { return }
        let text = Array(octets.dropFirst(2))
        let whole = read([text])
        let pieces = text.cut(by: octets.prefix(2))
        hold(read(pieces) == whole, "another reading in pieces: \(read(pieces)), whole: \(whole)")
        guard case .head(let head) = whole else { return }
        hold(head.count <= text.count, "more octets than there are")
        hold(head.target.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x23 }, "a target with an odd octet")
        for line in head.lines {
            hold(!line.contains { $0 < 0x20 && $0 != 9 || $0 == 0x7f }, "a field with a control octet")
        }
        // Written down again it is the same request and nothing else.
        var again = head.method + [0x20] + head.target + " HTTP/1.\(head.minorVersion)\r\n".octets
        for line in head.lines { again += line + [13, 10] }
        guard case .head(let second) = read([again + [13, 10]]) else { fail("written down again it is no request") }
        hold(second.lines == head.lines && second.target == head.target, "written down again it is another")
        hold(second.semantics == head.semantics, "written down again it means something else")
        hold(second.count == again.count + 2, "written down again it ends elsewhere")
    }

    private func read(_ pieces: [[UInt8]]) -> Reading {
        var parser = RequestParser()
        var head = RequestHead()
        var buffer: [UInt8] = []
        do {
            for piece in pieces {
                buffer += piece
                guard let count = try parser.parse(buffer.span, limits: RequestParser.Limits(), into: &head) else {
                    continue
                }
                return .head(
                    ReadHead(
                        method: Array(buffer[head.methodRange]),
                        target: Array(buffer[head.target]),
                        authority: Array(buffer[head.authority]),
                        lines: head.lines.map { Array(buffer[$0.name] + [0x3a] + buffer[$0.value]) },
                        minorVersion: head.minorVersion,
                        semantics: parser.semantics,
                        count: count
                    )
                )
            }
        } catch {
            return .refused(error)
        }
        return .incomplete
    }

    var seeds: [[UInt8]] { EngineFuzz().seeds }
}
