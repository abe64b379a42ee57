// The head of a response as libcurl's header callback hands it over, line by line, in any order an origin likes.

import HTTP
import HTTPClient

/// Octets: what an origin sends, cut behind each LF as libcurl does.
struct ResponseFuzz: FuzzTarget {
    func run(_ octets: [UInt8]) {
        for takesHTTP2 in [false, true] {
            var parser = ResponseHeadParser(HTTPClientConfiguration(), takesHTTP2: takesHTTP2)
            var heads = 0
            var interims = 0
            do throws(HTTPClientError) {
                var line: [UInt8] = []
                for octet in octets {
                    line.append(octet)
                    guard octet == 0x0a else { continue }
                    switch try parser.receive(line.span) {
                    case .final(let head):
                        heads += 1
                        check(head)
                        hold(takesHTTP2 || head.majorVersion == 1, "a version that was not offered")
                    case .interim(let interim):
                        hold(heads == 0, "an interim response behind the final one")
                        hold((100..<200).contains(interim.status) && interim.status != 101, "no interim status")
                        interims += 1
                        check(interim.fields)
                    case nil: break
                    }
                    line = []
                }
            } catch {
                hold(error.code == .invalidResponse, "another error than that of a bad response")
                hold(heads == 0, "an error behind the final head")
            }
            hold(heads <= 1, "more than one final head")
            hold(interims <= HTTPClientConfiguration().interimResponsesMax, "more interim responses than are taken")
        }
    }

    private func check(_ head: ResponseHead) {
        hold((200...999).contains(head.status), "a status that is none")
        hold(head.declaredLength ?? 0 >= 0, "a negative length")
        hold(head.declaredLength == nil || head.coding == .absent, "a length beside a coding")
        hold(head.coding == .absent || head.majorVersion == 1, "a transfer coding in HTTP/2")
        check(head.fields)
    }

    private func check(_ fields: Fields) {
        hold(!fields.contains(.contentLength) && !fields.contains(.transferEncoding), "framing among the fields")
        for line in fields.lines {
            hold(
                !fields.name(of: line).isEmpty && fields.name(of: line).allSatisfy(Octet.isToken),
                "a name that is no token"
            )
            hold(!fields.value(of: line).contains { $0 == 0 || $0 == 13 || $0 == 10 }, "a line end or NUL in a value")
        }
        // On its way to a client it is the same lines again.
        var octets: [UInt8] = []
        fields.serialize(into: &octets)
        hold(octets.count { $0 == 10 } == fields.lines.count, "another number of lines when written")
    }

    var seeds: [[UInt8]] {
        [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n",
            "HTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200\r\n\r\nT: u\r\n\r\n",
            "HTTP/1.0 404 x\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/2 200 \r\ncontent-length: 3, 3\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: , chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\nX: y\n\n",
            "HTTP/1.1 100 C\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nHTTP/1.1 404 No\r\n\r\n",
            "HTTP/1.1 304 N\r\nETag: \"a\"\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        ].map(\.octets)
    }
}
