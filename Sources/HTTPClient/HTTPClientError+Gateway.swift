// What a client of ours is told when the origin fails.

import HTTP

extension HTTPClientError: GatewayFailure {
    /// 504 if the origin did not answer in time, 503 if we have too much to do, 400 if the request itself is at fault (RFC
    /// 9209 section 2.3.16), else 502.
    package var gatewayStatus: Int {
        switch code {
        case .timeoutConnect, .timeoutFirstByte, .timeoutIdle: 504
        case .overloaded: 503
        case .invalidRequest, .requestBodyFailed: 400
        default: 502
        }
    }
}
