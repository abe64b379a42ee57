// What must hold between the lines of a head: Host against the target, and framing that nobody can read in two ways.

import HTTP

extension RequestParser {
    /// Checks the whole head and sets ``semantics``; each rule that fails has its name.
    mutating func finish(_ buffer: Span<UInt8>, head: inout RequestHead) throws(RequestRefusal) {
        semantics = RequestSemantics()
        try readTarget(buffer, head: &head)
        let framingFields: KnownFieldSet = [.contentLength, .transferEncoding]
        if !head.present.isDisjoint(with: framingFields) {
            semantics.framing = try framing(of: head, in: buffer)
        }
        semantics.keepsAlive = head.minorVersion == 1
        if head.present.contains(.connection) { readConnection(of: head, in: buffer) }
        if head.present.contains(.expect), head.minorVersion == 1, semantics.framing != .none {
            for line in head.lines where line.known == .expect {
                if buffer.extracting(line.value).equalsIgnoringCase("100-continue") { semantics.expectsContinue = true }
            }
        }
    }

    // MARK: Target and Host (RFC 9112 sections 3.2 and 3.3)

    private mutating func readTarget(_ buffer: Span<UInt8>, head: inout RequestHead) throws(RequestRefusal) {
        head.authority = try host(of: head, in: buffer)
        let first = buffer[head.target.lowerBound]
        if head.method == .other, buffer.extracting(head.methodRange).spells("CONNECT") {
            semantics.isConnect = true
            guard RequestParser.isHost(buffer.extracting(head.target)), head.target.count > 0 else {
                throw .badTarget
            }
        } else if first == 0x2f {
            return
        } else if first == 0x2a, head.target.count == 1 {
            // asterisk-form is for a server-wide OPTIONS only.
            guard buffer.extracting(head.methodRange).spells("OPTIONS") else { throw .badTarget }
        } else {
            try readAbsoluteForm(buffer, head: &head)
        }
    }

    /// The range of the Host field's value; empty if HTTP/1.0 came without one.
    private func host(of head: RequestHead, in buffer: Span<UInt8>) throws(RequestRefusal) -> Range<Int> {
        guard let line = head.firstLine(.host) else {
            // RFC 9112 section 3.2: a 1.1 request without Host, or with two, must be answered with 400.
            guard head.minorVersion == 0 else { throw .missingHost }
            return head.target.lowerBound..<head.target.lowerBound
        }
        guard !head.isRepeated(.host) else { throw .repeatedHost }
        // RFC 9110 section 4.2.1: an http URI without a host is invalid, and an empty Host makes one.
        guard line.value.count > 0, RequestParser.isHost(buffer.extracting(line.value)) else { throw .badHost }
        return line.value
    }

    private func readAbsoluteForm(_ buffer: Span<UInt8>, head: inout RequestHead) throws(RequestRefusal) {
        let target = head.target
        // Only http: this connection is not secured, so a target that says https is not for us.
        guard target.count > 7,
            buffer.extracting(target.lowerBound..<target.lowerBound + 7).equalsIgnoringCase("http://")
        else { throw .badTarget }
        let start = target.lowerBound + 7
        var end = start
        while end < target.upperBound, buffer[end] != 0x2f, buffer[end] != 0x3f { end += 1 }
        guard end > start, RequestParser.isHost(buffer.extracting(start..<end)) else { throw .badTarget }
        if head.present.contains(.host) {
            let named = buffer.extracting(head.authority)
            guard buffer.extracting(start..<end).equalsIgnoringCase(named) else { throw .hostDiffers }
        }
        head.authority = start..<end
        if end < target.upperBound {
            // A query without a path would need a slash that is not in the buffer.
            guard buffer[end] == 0x2f else { throw .badTarget }
            head.target = end..<target.upperBound
        } else if head.method == .other, buffer.extracting(head.methodRange).spells("OPTIONS") {
            // Except for OPTIONS, of which it makes the asterisk-form (RFC 9112 section 3.2.4), for which there is no octet here.
            head.target = end..<end
        } else {
            // An empty path is "/" (RFC 9112 section 3.2.1): the second slash of "http://" stands for it.
            head.target = start - 1..<start
        }
    }

    /// Whether `octets` are `uri-host [ ":" port ]` or empty (RFC 9110 section 7.2).
    static func isHost(_ octets: Span<UInt8>) -> Bool {
        var at = 0
        if octets.count > 0, octets[0] == 0x5b {
            at = 1
            while at < octets.count, octets[at] != 0x5d {
                let octet = Octet.lowercased(octets[at])
                guard Octet.isDigit(octet) || octet &- 0x61 < 6 || octet == 0x3a || octet == 0x2e else { return false }
                at += 1
            }
            guard at < octets.count, at > 2 else { return false }
            at += 1
        } else {
            while at < octets.count, octets[at] != 0x3a {
                guard FieldOctet.isAuthority(octets[at]), octets[at] != 0x5b, octets[at] != 0x5d else { return false }
                at += 1
            }
            guard at > 0 || octets.count == 0 else { return false }
        }
        guard at < octets.count else { return true }
        guard octets[at] == 0x3a, octets.count - at <= 6 else { return false }
        var port = 0
        for index in at + 1..<octets.count {
            guard Octet.isDigit(octets[index]) else { return false }
            port = port * 10 + Int(octets[index] - 0x30)
        }
        return port <= 65535
    }

    // MARK: Framing (RFC 9112 sections 6.1 to 6.3, 11.1 and 11.2)

    private func framing(
        of head: RequestHead,
        in buffer: Span<UInt8>
    ) throws(RequestRefusal) -> RequestSemantics.Framing {
        if let coding = head.firstLine(.transferEncoding) {
            guard !head.present.contains(.contentLength) else { throw .lengthWithCoding }
            guard head.minorVersion == 1 else { throw .codingInOldVersion }
            guard !head.isRepeated(.transferEncoding) else { throw .repeatedCoding }
            let value = buffer.extracting(coding.value)
            guard value.equalsIgnoringCase("chunked") else {
                throw RequestParser.endsInChunked(value) ? .unknownCoding : .badCoding
            }
            return .chunked
        }
        guard let line = head.firstLine(.contentLength) else { return .none }
        // Equal lengths could be merged (RFC 9112 section 6.3, rule 5), but nothing honest sends them.
        guard !head.isRepeated(.contentLength) else { throw .repeatedLength }
        guard let length = RequestParser.decimal(buffer.extracting(line.value)) else { throw .badLength }
        return length == 0 ? .none : .length(length)
    }

    /// Whether `value` lists other codings and then chunked, once: framing that is clear and not implemented.
    ///
    /// Anything else leaves the body's length open, for which RFC 9112 section 6.3 (rule 4) demands 400.
    private static func endsInChunked(_ value: Span<UInt8>) -> Bool {
        var start = 0
        while start <= value.count {
            var end = start
            while end < value.count, value[end] != 0x2c { end += 1 }
            let member = value.extracting(value.trimmingWhitespace(start..<end))
            if member.equalsIgnoringCase("chunked") { return end == value.count && start > 0 }
            for index in 0..<member.count where !FieldOctet.isToken(member[index]) { return false }
            guard !member.isEmpty else { return false }
            start = end + 1
        }
        return false
    }

    /// The number that `octets` spell: digits only, at most Int64.max, no zero in front, which some read as octal.
    static func decimal(_ octets: Span<UInt8>) -> Int64? {
        guard octets.count > 0, octets[0] != 0x30 || octets.count == 1 else { return nil }
        var value: Int64 = 0
        for index in 0..<octets.count {
            guard Octet.isDigit(octets[index]) else { return nil }
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowsAgain) = product.addingReportingOverflow(Int64(octets[index] - 0x30))
            guard !overflows, !overflowsAgain else { return nil }
            value = sum
        }
        return value
    }

    // MARK: Persistence (RFC 9112 section 9.3)

    private mutating func readConnection(of head: RequestHead, in buffer: Span<UInt8>) {
        var closes = false
        for line in head.lines where line.known == .connection {
            var start = line.value.lowerBound
            while start < line.value.upperBound {
                var end = start
                while end < line.value.upperBound, buffer[end] != 0x2c { end += 1 }
                let option = buffer.extracting(buffer.trimmingWhitespace(start..<end))
                if option.equalsIgnoringCase("close") { closes = true }
                if option.equalsIgnoringCase("keep-alive") { semantics.keepsAlive = true }
                start = end + 1
            }
        }
        if closes { semantics.keepsAlive = false }
    }
}
