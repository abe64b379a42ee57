// Which transfers wait for their first octet on a used connection, to see whether it was cut before or after that octet.
//
// libcurl 7.88 sends a request again if a used connection ends before a whole line has come; but an origin that has begun to
// answer has had the request, and a request is sent twice only if nothing came back (RFC 9112 section 9.3.1).

import CCurl

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The sockets on which requests went out that may be sent again; lives on the loop's thread, and outlives its connections.
final class SentSockets {
    private var sent: [Int32: (exchange: Int, received: Int64)] = [:]
    private var answered: Set<Int> = []

    /// A request of `exchange` goes out on `socket`; returns how many octets had come on it before, -1 if nobody knows.
    func watch(_ socket: Int32, for exchange: Int) -> Int64 {
        let received = ccurl_received_octets(socket)
        sent[socket] = (exchange, received)
        return received
    }

    /// The exchange is over, or on another connection; returns whether its former one ended after an octet had come.
    func forget(_ exchange: Int, on socket: Int32) -> Bool {
        if sent[socket]?.exchange == exchange { sent[socket] = nil }
        return answered.remove(exchange) != nil
    }

    /// libcurl closes a connection.
    private func close(_ socket: Int32) -> Int32 {
        if let (exchange, received) = sent.removeValue(forKey: socket), ccurl_received_octets(socket) > received {
            answered.insert(exchange)
        }
        #if canImport(Glibc)
        return Glibc.close(socket)
        #else
        return Musl.close(socket)
        #endif
    }

    /// Has this told of the connections that `easy` opens.
    func observe(_ easy: UnsafeMutableRawPointer) {
        ccurl_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, Unmanaged.passUnretained(self).toOpaque())
        ccurl_set_close_socket_callback(easy) { context, socket in
            guard let context else { return -1 }
            return Unmanaged<SentSockets>.fromOpaque(context).takeUnretainedValue().close(socket)
        }
    }
}
