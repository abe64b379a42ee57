// Why a registry gave no answer, as people say it.

import HTTP

/// The words for each way in which a request comes to nothing.
enum RegistryAway {
    /// What happened and, where it helps, what to look at; the same words each time, so that they are said once.
    static func words(for failure: any GatewayFailure) -> String {
        switch failure.proxyStatusError {
        case "connection_refused": "nothing answers there"
        case "dns_error": "no such host is known; is the name right?"
        case "connection_timeout", "http_response_timeout", "connection_read_timeout": "it does not answer in time"
        case "connection_terminated", "http_response_incomplete":
            "it closes the connection without an answer; does it speak http or https?"
        case "tls_certificate_error": "its certificate is not trusted; --ca FILE names one to trust"
        case "tls_protocol_error": "no TLS with it is possible; does it speak http or https?"
        case "http_protocol_error": "what answers there does not speak HTTP; does it speak https?"
        default: "\(failure)"
        }
    }
}
