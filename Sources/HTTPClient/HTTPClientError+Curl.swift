// What libcurl's words for a failed transfer mean here.

import CCurl

extension HTTPClientError.Code {
    /// The code for `code`, which ended a transfer in `phase`, with or without a response head.
    init(_ code: CURLcode, phase: CurlTransfer.Phase, hasHead: Bool) {
        self =
            switch code {
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .couldNotResolve
            case CURLE_COULDNT_CONNECT, CURLE_PROXY: .couldNotConnect
            case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_PEER_FAILED_VERIFICATION,
                CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
                .tls
            case CURLE_URL_MALFORMAT: .invalidRequest
            case CURLE_OPERATION_TIMEDOUT: phase == .connecting ? .timeoutConnect : .timeoutFirstByte
            case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING:
                hasHead ? .truncated : .invalidResponse
            case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2,
                CURLE_HTTP2_STREAM, CURLE_ABORTED_BY_CALLBACK, CURLE_SEND_FAIL_REWIND:
                hasHead ? .truncated : .closedBeforeResponse
            default: hasHead ? .truncated : .other
            }
    }
}

extension CurlTransfer {
    /// What is to be said when the deadline has passed.
    func timeoutError() -> HTTPClientError {
        phase == .receiving
            ? HTTPClientError(.timeoutIdle, "\(exchange.request.summary): the body stands still")
            : HTTPClientError(.timeoutFirstByte, "\(exchange.request.summary): no response in time")
    }
}
