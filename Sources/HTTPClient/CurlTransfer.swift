// The owner of one easy handle: its options, its callbacks, what it received in this round of the loop.
// Above 400 lines: all that one C handle calls back into.

import CCurl
import HTTP

/// One exchange as libcurl performs it; lives on the loop's thread and nowhere else.
final class CurlTransfer {
    /// How far it is, which says what its deadline means.
    enum Phase {
        case connecting
        case awaitingHead
        case receiving
    }

    let exchange: Exchange
    let easy: UnsafeMutableRawPointer
    private(set) var phase = Phase.connecting
    /// CLOCK_MONOTONIC nanoseconds at which it is given up; nil: libcurl's own connect timeout holds, or it is paused.
    var deadline: UInt64?
    /// Something happened that starts the phase's timeout anew.
    var restartsDeadline = false
    /// It is in the loop's list of transfers to flush.
    var isTouched = false
    private(set) var isReceivePaused = false
    private(set) var isSendPaused = false
    /// libcurl may have given up sending: it counts a paused transfer as under way until it is resumed, and then finds out.
    private var isSendingInDoubt = false
    /// Its socket was left unwatched with the upload paused, and libcurl was asked about it.
    private var wasUnwatched = false
    /// Nothing was sent, since its connection had octets waiting: it is to begin again.
    private(set) var isRestarting = false
    /// Our own finding, which explains libcurl's error.
    var failure: HTTPClientError?
    /// Addresses of the host that the configuration's policy refused, and whether it allowed another.
    var refusedAddresses: [String] = []
    var hasAllowedAddress = false

    unowned let loop: CurlLoop
    private var chunkBytesMax: Int { min(loop.configuration.receiveBufferBytes, loop.queueBytesShare) }
    private var parser: ResponseHeadParser
    private var lines: LineList?
    private var errorText: UnsafeMutablePointer<CChar>
    private var attempts = 0
    /// The TLS session whose close_notify ends the body.
    private var session: UnsafeRawPointer?
    private var connection: IdleSockets.Connection?
    /// The used connection's socket that the request went out on at first.
    private var sentSocket: Int32?
    /// What had come on the connection before this answer; -1: nobody knows.
    private var receivedBefore: Int64 = 0
    /// Octets of heads, interim ones too, as they came.
    private var headOctets: Int64 = 0
    private var hasFirstLook = false
    private var head: ResponseHead?
    private var newHead: ResponseHead?
    private var chunks: ChunkedBody?
    private var octets: [UInt8] = []
    private var lastChunkBytes = 0
    private var receivedBytes: Int64 = 0

    init(_ exchange: Exchange, easy: UnsafeMutableRawPointer, loop: CurlLoop) {
        self.exchange = exchange
        self.easy = easy
        self.loop = loop
        let mayUseHTTP2 = exchange.request.isSecure && loop.configuration.usesHTTP2
        parser = ResponseHeadParser(loop.configuration, takesHTTP2: mayUseHTTP2)
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        setOptions()
    }

    deinit {
        errorText.deallocate()
    }

    // MARK: Options

    /// What libcurl reads at a time where there are many transfers; it takes a buffer of this size for each anew.
    ///
    /// Not above 64 KiB: where more is freed at once, Glibc puts together all that is free, each time.
    private static let readBytesOfMany = 60 << 10

    /// The options that are the same for every transfer of a handle.
    static func prepare(_ easy: UnsafeMutableRawPointer, _ configuration: HTTPClientConfiguration) {
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        ccurl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
        ccurl_set_long(easy, CURLOPT_HTTP_CONTENT_DECODING, 0)
        // Chunks are decoded here: libcurl's reading of them is laxer than any two readers' should be.
        ccurl_set_long(easy, CURLOPT_HTTP_TRANSFER_DECODING, 0)
        ccurl_set_long(easy, CURLOPT_HTTP09_ALLOWED, 0)
        ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        ccurl_set_long(easy, CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        ccurl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
        // Else an aborted transfer waits for a name look-up, and with it the whole loop.
        ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
        let version = configuration.usesHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(version))
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
        if let file = configuration.extraCAFile {
            // The system's certificates remain, by their directory.
            ccurl_set_string(easy, CURLOPT_CAINFO, file)
            ccurl_set_string(easy, CURLOPT_CAPATH, "/etc/ssl/certs")
        } else {
            // With the file alone libcurl keeps the parsed store for all connections.
            ccurl_set_string(easy, CURLOPT_CAPATH, nil)
        }
        // An empty string: none, not even from the environment.
        ccurl_set_string(easy, CURLOPT_PROXY, configuration.originProxy ?? "")
        ccurl_set_string(easy, CURLOPT_NOPROXY, "")
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout.milliseconds)
        ccurl_set_session_watch(easy)
        setCallbacks(easy)
        if configuration.allowsAddress != nil { setAddressPolicy(easy) }
    }

    private static func setCallbacks(_ easy: UnsafeMutableRawPointer) {
        ccurl_set_transfer_callback(easy, CURLOPT_HEADERFUNCTION) { octets, size, count, context in
            guard let octets, let context else { return 0 }
            let line = UnsafeRawBufferPointer(start: octets, count: size * count)
            return CurlTransfer.at(context).receiveLine(line) ? line.count : 0
        }
        ccurl_set_transfer_callback(easy, CURLOPT_WRITEFUNCTION) { octets, size, count, context in
            guard let octets, let context else { return 0 }
            return CurlTransfer.at(context).receive(UnsafeRawBufferPointer(start: octets, count: size * count))
        }
        ccurl_set_transfer_callback(easy, CURLOPT_READFUNCTION) { octets, size, count, context in
            guard let octets, let context else { return 0 }
            return CurlTransfer.at(context).send(UnsafeMutableRawBufferPointer(start: octets, count: size * count))
        }
        ccurl_set_prereq_callback(easy) { context, remoteAddress, localAddress, remotePort, localPort in
            guard let context, let remoteAddress, let localAddress else { return CURL_PREREQFUNC_ABORT }
            let connection = IdleSockets.Connection(
                localAddress: String(cString: localAddress),
                localPort: localPort,
                remoteAddress: String(cString: remoteAddress),
                remotePort: remotePort
            )
            return CurlTransfer.at(context).beginAttempt(on: connection) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
    }

    static func at(_ context: UnsafeMutableRawPointer) -> CurlTransfer {
        Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    }

    /// The options of this request; every one that a request can set is set, since handles are used again.
    private func setOptions() {
        let request = exchange.request
        let context = Unmanaged.passUnretained(self).toOpaque()
        for option in [
            CURLOPT_PRIVATE, CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_READDATA, CURLOPT_PREREQDATA,
            CURLOPT_OPENSOCKETDATA,
        ] {
            ccurl_set_pointer(easy, option, context)
        }
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        let isOneOfMany = loop.queueBytesShare < loop.configuration.receiveBufferBytes
        let readBytes = loop.configuration.receiveBufferBytes
        ccurl_set_long(easy, CURLOPT_BUFFERSIZE, isOneOfMany ? min(Self.readBytesOfMany, readBytes) : readBytes)
        loop.sentSockets.observe(easy)
        setString(CURLOPT_URL, request.url)
        setString(CURLOPT_REQUEST_TARGET, request.target)
        // Closes what an earlier request of the handle left, then what this one needs.
        ccurl_set_long(easy, CURLOPT_UPLOAD, 0)
        ccurl_set_long(easy, CURLOPT_NOBODY, 0)
        ccurl_set_long(easy, CURLOPT_HTTPGET, 1)
        ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, nil)
        switch request.kind {
        case .get: break
        case .head: ccurl_set_long(easy, CURLOPT_NOBODY, 1)
        case .custom: setString(CURLOPT_CUSTOMREQUEST, request.method)
        case .upload(let length):
            ccurl_set_long(easy, CURLOPT_UPLOAD, 1)
            ccurl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(length ?? -1))
            setString(CURLOPT_CUSTOMREQUEST, request.method)
        }
        // Wait for a connection under way that may turn out to be HTTP/2; without TLS it never does, and libcurl would
        // wait for its first response.
        let mayShare = request.isSecure && loop.configuration.usesHTTP2
        ccurl_set_long(easy, CURLOPT_PIPEWAIT, mayShare ? 1 : 0)
        // libcurl sends any method again when a connection that it used again turns out dead, a POST too.
        let mayReuse = request.isRepeatable || loop.configuration.keepsConnectionsForAll
        ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, mayReuse ? 0 : 1)
        lines = LineList(request.lines)
        ccurl_set_list(easy, CURLOPT_HTTPHEADER, lines?.first)
    }

    private func setString(_ option: CURLoption, _ value: [UInt8]) {
        value.withUnsafeBytes { value in
            _ = ccurl_set_string(easy, option, value.bindMemory(to: CChar.self).baseAddress)
        }
    }

    // MARK: Callbacks

    /// Before the request goes out on a connection, the second time if the first connection was dead.
    private func beginAttempt(on connection: IdleSockets.Connection) -> Bool {
        if attempts == 0, ccurl_get_long(easy, CURLINFO_NUM_CONNECTS) == 0, !loop.idleSockets.isQuiet(connection) {
            isRestarting = true
            return false
        }
        self.connection = connection
        attempts += 1
        if let sentSocket, loop.sentSockets.forget(exchange.id, on: sentSocket) {
            failure = HTTPClientError(
                .closedBeforeResponse,
                "\(exchange.request.summary): closed within the status line"
            )
            return false
        }
        guard attempts <= 2, mayUse(connection) else { return false }
        // Over TLS what is received tells nothing: alerts and tickets count too.
        if !exchange.request.isSecure, attempts == 1, let socket = loop.idleSockets.socket(of: connection) {
            sentSocket = socket
            receivedBefore = loop.sentSockets.watch(socket, for: exchange.id)
        } else {
            receivedBefore = 0
        }
        headOctets = 0
        hasFirstLook = exchange.request.isSecure
        // One retry, on a connection of its own: libcurl would try up to five connections from its pool.
        if attempts == 1 { ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1) }
        phase = .awaitingHead
        touch(restartsDeadline: true)
        return true
    }

    private func receiveLine(_ line: UnsafeRawBufferPointer) -> Bool {
        headOctets += Int64(line.count)
        do throws(HTTPClientError) {
            switch try parser.receive(line.bindMemory(to: UInt8.self).span) {
            case .interim(let interim):
                exchange.onInterim?(interim)
                touch(restartsDeadline: true)
            case .final(let head):
                self.head = head
                newHead = head
                phase = .receiving
                // At an error libcurl sends no more.
                isSendingInDoubt = isSendPaused
                if head.coding == .chunked { chunks = ChunkedBody(loop.configuration) }
                let isDoubtful = head.leavesDoubt(about: exchange.request, loop.configuration)
                ccurl_set_long(easy, CURLOPT_FORBID_REUSE, isDoubtful ? 1 : 0)
                if exchange.request.isSecure, head.delimiter == .close { session = ccurl_get_tls_session(easy) }
                touch(restartsDeadline: true)
            case nil: break
            }
            return true
        } catch {
            failure = HTTPClientError(error.code, "\(exchange.request.summary): \(error.message)")
            return false
        }
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard head != nil else {
            failure = HTTPClientError(.invalidResponse, "\(exchange.request.summary): octets before a response head")
            return 0
        }
        if isReceivePaused { return Int(CURL_WRITEFUNC_PAUSE) }
        if octets.count >= chunkBytesMax, deliver() {
            isReceivePaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        if octets.isEmpty { octets.reserveCapacity(max(bytes.count, capacityNeeded)) }
        if chunks != nil {
            guard receiveChunks(bytes) else { return 0 }
        } else {
            octets.append(contentsOf: bytes)
            receivedBytes += Int64(bytes.count)
        }
        touch(restartsDeadline: true)
        return bytes.count
    }

    /// Takes the data out of octets of a chunked body; false if they break its rules.
    private func receiveChunks(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do throws(ChunkedFault) {
            let hasExcess = try chunks?.take(bytes.bindMemory(to: UInt8.self).span, into: &octets) ?? false
            if hasExcess { ccurl_set_long(easy, CURLOPT_FORBID_REUSE, 1) }
            return true
        } catch {
            failure = HTTPClientError(.truncated, "\(exchange.request.summary): \(error.rawValue)")
            return false
        }
    }

    /// What the last chunk of a fast transfer needed, no more than what is left; nothing for the first.
    private var capacityNeeded: Int {
        let wanted = min(lastChunkBytes, chunkBytesMax)
        guard let length = head?.declaredLength else { return wanted }
        return Int(min(Int64(wanted), max(0, length - receivedBytes)))
    }

    private func send(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        switch exchange.upload?.take(atMost: buffer.count) {
        case .octets(let octets):
            octets.withUnsafeBytes { buffer.copyMemory(from: $0) }
            touch(restartsDeadline: phase == .awaitingHead)
            return octets.count
        case .end, nil: return 0
        case .later:
            isSendPaused = true
            touch(restartsDeadline: false)
            return Int(CURL_READFUNC_PAUSE)
        case .failed:
            failure = HTTPClientError(.requestBodyFailed, "\(exchange.request.summary): the request's body broke off")
            return Int(CURL_READFUNC_ABORT)
        }
    }

    private func touch(restartsDeadline: Bool) {
        if restartsDeadline { self.restartsDeadline = true }
        guard !isTouched else { return }
        isTouched = true
        loop.touched.append(self)
    }

    // MARK: The loop

    /// Hands over what came; pauses libcurl if the reader has enough.
    func flush() {
        if isSendingInDoubt {
            isSendingInDoubt = false
            resumeSending()
        }
        guard newHead != nil || !octets.isEmpty, deliver(), !isReceivePaused else { return }
        isReceivePaused = true
        pause()
    }

    /// The reader has room again.
    func resumeReceiving() {
        guard isReceivePaused else { return }
        isReceivePaused = false
        // All may have come while it was paused.
        if phase == .receiving { isSendPaused = false }
        touch(restartsDeadline: true)
        pause()
    }

    /// libcurl does not watch its socket any more: once the answer is there, it may be the paused upload alone that it
    /// waits for, also where the connection is to be closed and nothing more can be sent.
    func noteUnwatched() {
        guard phase == .receiving, isSendPaused, !isReceivePaused, !wasUnwatched else { return }
        // Once: if it has more to send, it waits for that with its socket unwatched again.
        wasUnwatched = true
        isSendingInDoubt = true
        touch(restartsDeadline: false)
    }

    /// There are octets to send again.
    func resumeSending() {
        guard isSendPaused else { return }
        isSendPaused = false
        touch(restartsDeadline: true)
        pause()
    }

    /// Makes the handle fit for another transfer.
    func release() {
        ccurl_set_list(easy, CURLOPT_HTTPHEADER, nil)
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, nil)
        // libcurl counts retries for the life of a handle, and after five gives up at the first.
        guard attempts > 1 else { return }
        curl_easy_reset(easy)
        Self.prepare(easy, loop.configuration)
    }

    /// Begins again, on a connection of its own.
    func restart() {
        isRestarting = false
        ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1)
    }

    /// The connection that libcurl has kept for HTTP/1.1's next request, or nil.
    var keptConnection: (connection: IdleSockets.Connection, socket: Int32)? {
        guard let connection, head?.majorVersion == 1 else { return nil }
        let socket = ccurl_get_socket(easy)
        return socket >= 0 ? (connection, socket) : nil
    }

    /// Whether the first octets of an answer in the clear may have come and nobody has looked at them; false from then on.
    func takesFirstLook() -> Bool {
        guard phase == .awaitingHead, !hasFirstLook else { return false }
        hasFirstLook = true
        return true
    }

    /// Whether more has come on its connection than an answer that has no body.
    ///
    /// libcurl drops what it has read behind such a head and uses the connection again; behind a body, it does not.
    func hasExcess(on socket: Int32) -> Bool {
        guard !exchange.request.isSecure, receivedBytes == 0, chunks == nil, receivedBefore >= 0 else { return false }
        return ccurl_received_octets(socket) - receivedBefore > headOctets
    }

    /// The transfer is over: hands over the rest and how it ended.
    func finish(_ error: HTTPClientError?) {
        if let sentSocket { _ = loop.sentSockets.forget(exchange.id, on: sentSocket) }
        exchange.upload?.close()
        let end = error.map { ExchangeEnd.failed($0) } ?? .complete
        _ = exchange.deliver(head: newHead, octets: octets, end: end)
        newHead = nil
        octets = []
    }

    /// What `code`, libcurl's word on how the transfer ended, means; nil: all is well.
    func error(_ code: CURLcode) -> HTTPClientError? {
        let number = Int(code.rawValue)
        if let failure { return HTTPClientError(failure.code, failure.message, curlCode: number) }
        if code == CURLE_OK {
            guard let head else {
                return HTTPClientError(.closedBeforeResponse, "\(exchange.request.summary): closed without a response")
            }
            return bodyError(head)
        }
        if code == CURLE_COULDNT_CONNECT, let refusal = addressRefusal() { return refusal }
        let detail = String(cString: errorText[0] != 0 ? UnsafePointer(errorText) : curl_easy_strerror(code))
        return HTTPClientError(
            HTTPClientError.Code(code, phase: phase, hasHead: head != nil),
            "\(exchange.request.summary): \(detail)",
            curlCode: number
        )
    }

    /// What libcurl lets pass, or might: what is stored as complete rests on this.
    private func bodyError(_ head: ResponseHead) -> HTTPClientError? {
        guard exchange.request.kind != .head, head.status != 204, head.status != 304 else { return nil }
        if let length = head.declaredLength, length != receivedBytes {
            return HTTPClientError(.truncated, "\(exchange.request.summary): \(receivedBytes) octets of \(length)")
        }
        if let chunks, !chunks.hasEnded {
            return HTTPClientError(.truncated, "\(exchange.request.summary): the last chunk is missing")
        }
        // RFC 9112 section 9.8: without close_notify, anyone on the way may have ended it.
        if exchange.request.isSecure, head.delimiter == .close, !loop.hasSaidClose(session) {
            return HTTPClientError(.truncated, "\(exchange.request.summary): the connection ended without close_notify")
        }
        return nil
    }

    private func deliver() -> Bool {
        lastChunkBytes = octets.count
        defer {
            newHead = nil
            octets = []
        }
        return exchange.deliver(head: newHead, octets: octets, share: loop.queueBytesShare)
    }

    private func pause() {
        let receiving = isReceivePaused ? CURLPAUSE_RECV : CURLPAUSE_RECV_CONT
        let sending = isSendPaused ? CURLPAUSE_SEND : CURLPAUSE_SEND_CONT
        curl_easy_pause(easy, receiving | sending)
    }
}
