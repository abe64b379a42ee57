// What a client of ours is told for each way in which the origin can fail.

import HTTPClient
import Testing

@Suite struct GatewayAnswerTests {
    @Test(
        arguments: [
            (.couldNotResolve, 502, "dns_error"), (.couldNotConnect, 502, "connection_refused"),
            (.addressRefused, 502, "destination_ip_prohibited"), (.tls, 502, "tls_protocol_error"),
            (.timeoutConnect, 504, "connection_timeout"), (.timeoutFirstByte, 504, "http_response_timeout"),
            (.timeoutIdle, 504, "connection_read_timeout"), (.closedBeforeResponse, 502, "connection_terminated"),
            (.truncated, 502, "http_response_incomplete"), (.invalidResponse, 502, "http_protocol_error"),
            (.invalidRequest, 400, "http_request_error"), (.requestBodyFailed, 400, "http_request_error"),
            (.overloaded, 503, "connection_limit_reached"), (.shutDown, 502, "proxy_internal_error"),
            (.other, 502, "proxy_internal_error"),
        ] as [(HTTPClientError.Code, Int, String)]
    )
    func `RFC 9209 section 2.3: each failure has its status and its error type`(
        code: HTTPClientError.Code,
        status: Int,
        type: String
    ) {
        let error = HTTPClientError(code, "")
        #expect(error.gatewayStatus == status)
        #expect(error.proxyStatusError == type)
        #expect(HTTPClientError(.tls, "", curlCode: 60).proxyStatusError == "tls_certificate_error")
    }
}
