// Congestion control for connections that cannot be congested.

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How connections within the machine are sent.
///
/// Where the system's choice is BBR, each connection's packets are paced by timers, which on the loopback interface brings
/// nothing and costs: 1 MiB bodies 0.24 instead of 0.17 CPU seconds per GB. Reno is in every kernel and has none.
enum LoopbackCongestion {
    /// "reno", as it goes to the system.
    private static let algorithm: (UInt8, UInt8, UInt8, UInt8) = (0x72, 0x65, 0x6e, 0x6f)

    /// Sets it for the connections that a listening socket accepts; without it everything works as well, at the system's price.
    static func avoid(_ listener: Int32) {
        #if os(Linux)
        var name = algorithm
        setsockopt(listener, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, 4)
        #endif
    }

    /// Sets it for the connections that a channel accepts.
    static func avoid(_ listener: any Channel) {
        #if os(Linux)
        let option = NIOBSDSocket.Option(rawValue: TCP_CONGESTION)
        _ = (listener as? any SocketOptionProvider)?
            .unsafeSetSocketOption(level: .tcp, name: option, value: algorithm)
        #endif
    }
}

extension SocketAddress {
    /// Whether only this machine can reach it: 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        ipAddress.map { $0 == "::1" || $0.hasPrefix("127.") } ?? false
    }
}
