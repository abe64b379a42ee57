// The chunked decoder: the same data however it is cut, and the same as a slow reading by the book.

import HTTP

/// Octets: two that say how to cut, then a chunked body and what follows it.
struct ChunkedFuzz: FuzzTarget {
    func run(_ octets: [UInt8]) {
        guard octets.count > 2 else { return }
        let text = Array(octets.dropFirst(2))
        let whole = read([text])
        hold(read(text.cut(by: octets.prefix(2))) == whole, "another reading in pieces")
        guard whole.hasEnded else { return }
        guard let (data, count) = byTheBook(text) else { fail("taken, though it is no chunked body") }
        hold(data == whole.data && count == whole.count, "other data or another end than by the book")
    }

    private struct Reading: Equatable {
        var data: [UInt8] = []
        var count = 0
        var hasEnded = false
        var fault: ChunkedFault?
    }

    private func read(_ pieces: [[UInt8]]) -> Reading {
        var decoder = ChunkedDecoder()
        var reading = Reading()
        do throws(ChunkedFault) {
            for piece in pieces {
                var at = 0
                loop: while true {
                    switch try decoder.next(piece.span, from: at) {
                    case .needsMore: break loop
                    case .data(let range):
                        hold(range.lowerBound >= at && range.upperBound <= piece.count, "data outside of the octets")
                        reading.data += piece[range]
                        at = range.upperBound
                    case .end(let end):
                        reading.count += end
                        reading.hasEnded = true
                        return reading
                    }
                }
                reading.count += piece.count
            }
        } catch {
            // How much data came before the fault is known depends on the pieces.
            return Reading(fault: error)
        }
        return reading
    }

    /// RFC 9112 section 7.1 line by line, without the grammar of extensions.
    private func byTheBook(_ octets: [UInt8]) -> (data: [UInt8], count: Int)? {
        var data: [UInt8] = []
        var at = 0
        while let line = line(octets, &at) {
            let digits = line.prefix { $0 != 0x3b && $0 != 0x20 && $0 != 0x09 }
            guard let text = String(validating: digits, as: UTF8.self), let size = Int(text, radix: 16),
                text.first != "+", text.first != "-"
            else { return nil }
            guard size > 0 else {
                while let trailer = self.line(octets, &at) {
                    if trailer.isEmpty { return (data, at) }
                    guard trailer.contains(0x3a), trailer.first != 0x3a else { return nil }
                }
                return nil
            }
            guard octets.count - at >= size + 2, octets[at + size] == 13, octets[at + size + 1] == 10 else {
                return nil
            }
            data += octets[at..<at + size]
            at += size + 2
        }
        return nil
    }

    private func line(_ octets: [UInt8], _ at: inout Int) -> ArraySlice<UInt8>? {
        guard at < octets.count, let end = octets[at...].firstIndex(of: 13), end + 1 < octets.count,
            octets[end + 1] == 10
        else { return nil }
        defer { at = end + 2 }
        return octets[at..<end]
    }

    var seeds: [[UInt8]] {
        [
            "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\nGET", "A;a=b;c=\"d\\\"\"\r\n0123456789\r\n000\r\nX: y\r\nZ:\r\n\r\n",
            "3 ;x\r\nabc\r\n0\t;y\r\n\r\n",
            "fffffffffffffff\r\nx", "10000000000000000\r\n", "1\nx\n0\n\n", "-1\r\n", "5;\r\nhello\r\n0\r\n\r\n",
            "1\r\nxy\r\n",
            "0\r\nX: y\r\n z\r\n\r\n", "1;a\nb\r\nx\r\n0\r\n\r\n",
        ].map { [9, 9] + $0.octets }
    }
}
