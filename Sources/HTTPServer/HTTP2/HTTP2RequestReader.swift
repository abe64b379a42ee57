// The rules of RFC 9113 section 8 for a request's fields, and RequestHead made of them as if HTTP/1.1 had brought it.

import HTTP

/// Why a request is not answered by a responder.
enum HTTP2RequestFault: Error, Sendable, Equatable {
    /// Malformed (RFC 9113 section 8.1.1): a stream error of type PROTOCOL_ERROR.
    case malformed
    /// Well-formed, but refused with a response, as HTTP/1.1 would be.
    case refused(RequestRefusal)
}

/// Takes the fields of one header section in their order.
///
/// The head that it fills has ranges into the decoder's buffer, which must begin with ``bufferStart``. It says what
/// HTTP/1.1's parser would: `Host` stands for `:authority`, cookie crumbs are one line, and what that parser refuses in a
/// target, an authority or a value is refused here too, so that no other HTTP behind this server reads it differently.
struct HTTP2RequestReader {
    /// The name of the line that `:authority` becomes.
    static let bufferStart: [UInt8] = Array("host".utf8)

    /// The first fault found; a malformed request stays that, whatever else it is.
    private(set) var fault: HTTP2RequestFault?
    /// What all fields so far count for (section 6.5.2).
    private(set) var listBytes = 0
    private(set) var contentLength: Int64?
    /// Whether the client waits for 100 (Continue) before it sends the body.
    private(set) var expectsContinue = false

    /// Whether these are trailers: checked and dropped.
    private let isTrailer: Bool
    private let limits: RequestParser.Limits
    private var hasRegular = false
    private var method: Range<Int>?
    private var scheme: Range<Int>?
    private var path: Range<Int>?
    private var authority: Range<Int>?
    private var host: Range<Int>?
    private var cookies = 0

    init(isTrailer: Bool, limits: RequestParser.Limits) {
        self.isTrailer = isTrailer
        self.limits = limits
    }

    /// Whether octets of a field taken now are of use.
    var keepsOctets: Bool { fault == nil && !isTrailer }

    // MARK: One field after another

    mutating func take(_ field: HPACKField, _ buffer: Span<UInt8>, into head: inout RequestHead) {
        listBytes += field.size
        // RFC 9113 sections 8.2.1 and 8.3.
        guard field.kind.isNameValid, field.kind.isValueValid else { return fail(.malformed) }
        guard listBytes <= limits.headBytesMax else { return fail(.refused(.headTooLong)) }
        guard field.kind.pseudo == .none else { return takePseudo(field) }
        hasRegular = true
        switch field.kind.known {
        // Section 8.2.2: fields of one connection.
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: return fail(.malformed)
        case .te:
            guard buffer.extracting(field.value).equalsIgnoringCase("trailers") else { return fail(.malformed) }
        default: break
        }
        guard !isTrailer else { return }
        switch field.kind.known {
        case .host:
            guard host == nil else { return fail(.refused(.repeatedHost)) }
            host = field.value
            // `:authority` stands for it already.
            guard authority == nil else { return }
        case .contentLength:
            guard contentLength == nil, let length = RequestParser.decimal(buffer.extracting(field.value)) else {
                return fail(.malformed)
            }
            contentLength = length
        case .expect:
            if buffer.extracting(field.value).equalsIgnoringCase("100-continue") { expectsContinue = true }
        case .cookie: cookies += 1
        default: break
        }
        guard head.lines.count < limits.fieldsMax else { return fail(.refused(.tooManyFields)) }
        head.lines.append(Fields.Line(name: field.name, value: field.value, known: field.kind.known))
        head.present.insert(field.kind.known)
    }

    private mutating func takePseudo(_ field: HPACKField) {
        // Section 8.3: before all others, each once, and none in trailers.
        guard !hasRegular, !isTrailer else { return fail(.malformed) }
        switch field.kind.pseudo {
        case .method where method == nil: method = field.value
        case .scheme where scheme == nil: scheme = field.value
        case .path where path == nil: path = field.value
        case .authority where authority == nil: authority = field.value
        default: fail(.malformed)
        }
    }

    private mutating func fail(_ fault: HTTP2RequestFault) {
        if self.fault == nil || fault == .malformed { self.fault = fault }
    }

    // MARK: All of them

    /// Checks what must hold between the fields, and completes `head`.
    mutating func finish(_ buffer: inout [UInt8], into head: inout RequestHead, endsStream: Bool) {
        guard fault == nil, !isTrailer else { return }
        do throws(HTTP2RequestFault) {
            try readMethod(buffer.span, into: &head)
            try readScheme(buffer.span)
            try readPath(buffer.span, into: &head)
            try readAuthority(buffer.span, into: &head)
        } catch {
            return fail(error)
        }
        // Section 8.1.1: a length that the DATA frames do not add up to.
        if endsStream, let contentLength, contentLength != 0 { return fail(.malformed) }
        if cookies > 1 { joinCookies(&buffer, in: &head) }
    }

    private func readMethod(_ buffer: Span<UInt8>, into head: inout RequestHead) throws(HTTP2RequestFault) {
        guard let method, !method.isEmpty else { throw .malformed }
        let octets = buffer.extracting(method)
        for index in 0..<octets.count where !FieldOctet.isToken(octets[index]) { throw .malformed }
        guard method.count <= RequestParser.methodBytesMax else { throw .refused(.methodTooLong) }
        head.methodRange = method
        head.method = .other
        if octets.spells("GET") {
            head.method = .get
        } else if octets.spells("HEAD") {
            head.method = .head
        } else if octets.spells("CONNECT") {
            // Section 8.5: only an authority.
            guard scheme == nil, path == nil, let authority, !authority.isEmpty else { throw .malformed }
            throw .refused(.connectRefused)
        }
    }

    private func readScheme(_ buffer: Span<UInt8>) throws(HTTP2RequestFault) {
        guard let scheme else { throw .malformed }
        let octets = buffer.extracting(scheme)
        // What it says is not relied on: a proxy in front may have secured the connection.
        guard octets.equalsIgnoringCase("http") || octets.equalsIgnoringCase("https") else { throw .malformed }
    }

    private func readPath(_ buffer: Span<UInt8>, into head: inout RequestHead) throws(HTTP2RequestFault) {
        guard let path, !path.isEmpty else { throw .malformed }
        let octets = buffer.extracting(path)
        guard path.count <= limits.requestLineBytesMax else { throw .refused(.requestLineTooLong) }
        for index in 0..<octets.count where !FieldOctet.isTarget(octets[index]) {
            throw octets[index] == 0x23 ? .refused(.fragmentInTarget) : .malformed
        }
        if octets[0] != 0x2f {
            let isOptions = buffer.extracting(head.methodRange).spells("OPTIONS")
            guard octets.spells("*"), isOptions else { throw .malformed }
        }
        head.target = path
    }

    private func readAuthority(_ buffer: Span<UInt8>, into head: inout RequestHead) throws(HTTP2RequestFault) {
        guard let authority else {
            guard let host else { throw .refused(.missingHost) }
            guard !host.isEmpty, RequestParser.isHost(buffer.extracting(host)) else { throw .refused(.badHost) }
            head.authority = host
            return
        }
        guard !authority.isEmpty, RequestParser.isHost(buffer.extracting(authority)) else { throw .refused(.badHost) }
        if let host {
            // Section 8.3.1: a Host that differs makes the request one that two servers read differently.
            let isSame = buffer.extracting(host).equalsIgnoringCase(buffer.extracting(authority))
            guard isSame else { throw .refused(.hostDiffers) }
        }
        head.authority = authority
        head.lines.insert(
            Fields.Line(name: 0..<HTTP2RequestReader.bufferStart.count, value: authority, known: .host),
            at: 0
        )
        head.present.insert(.host)
    }

    /// Makes one line of the crumbs that a cookie may be sent in (section 8.2.3).
    private func joinCookies(_ buffer: inout [UInt8], in head: inout RequestHead) {
        let nameStart = buffer.count
        buffer.append(contentsOf: "cookie".utf8)
        let valueStart = buffer.count
        for line in head.lines where line.known == .cookie {
            if buffer.count > valueStart { buffer.append(contentsOf: [0x3b, 0x20]) }
            buffer.append(contentsOf: buffer[line.value])
        }
        head.lines.removeAll { $0.known == .cookie }
        head.lines.append(
            Fields.Line(name: nameStart..<valueStart, value: valueStart..<buffer.count, known: .cookie)
        )
    }
}
