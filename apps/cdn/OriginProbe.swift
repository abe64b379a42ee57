// Tries whether the origin can be connected to at all, so that a typing error shows at the start and not in a player.

import Dispatch
import Glibc
import HTTPCache

/// A connection to the origin that is closed at once; no request is sent.
enum OriginProbe {
    private static let timeoutSeconds = 5

    /// Tries in the background, and says why if the origin cannot be connected to; nobody waits for it.
    static func start(_ origin: OriginMap, onFailure: @escaping @Sendable (String) -> Void) {
        let (host, port) = hostAndPort(origin)
        DispatchQueue.global().async {
            if let reason = failure(host, port) { onFailure(reason) }
        }
    }

    private static func hostAndPort(_ origin: OriginMap) -> (host: String, port: String) {
        let standard = origin.scheme == "https" ? "443" : "80"
        var host = origin.authority
        var port = standard
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            port = String(host[host.index(after: colon)...])
            host = String(host[..<colon])
        }
        if host.hasPrefix("[") { host = String(host.dropFirst().dropLast()) }
        return (host, port)
    }

    private static func failure(_ host: String, _ port: String) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &list)
        guard code == 0 else { return String(cString: gai_strerror(code)) }
        defer { freeaddrinfo(list) }
        var reason = "no address"
        var next = list
        while let address = next?.pointee {
            next = address.ai_next
            let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return nil }
            reason = errno == EINPROGRESS ? "no answer in \(timeoutSeconds) s" : String(cString: strerror(errno))
        }
        return reason
    }
}
