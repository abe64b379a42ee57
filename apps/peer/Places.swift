// Where a node is on the machine's networks, and which network is its own.

import Glibc
import PeerNetwork

/// The address that this machine has for others.
enum OutwardAddress {
    /// The one from which a packet to far away would go, or nil if there is no way out; none is sent.
    static func find(isIPv6: Bool) -> String? {
        var hints = addrinfo()
        (hints.ai_family, hints.ai_socktype) = (isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue))
        hints.ai_flags = AI_NUMERICHOST
        var far: UnsafeMutablePointer<addrinfo>?
        // Addresses for documentation (RFC 5737, RFC 3849).
        guard getaddrinfo(isIPv6 ? "2001:db8::1" : "192.0.2.1", "9", &hints, &far) == 0, let far else { return nil }
        defer { freeaddrinfo(far) }
        let descriptor = socket(far.pointee.ai_family, far.pointee.ai_socktype, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard connect(descriptor, far.pointee.ai_addr, far.pointee.ai_addrlen) == 0 else { return nil }
        var own = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = withUnsafeMutablePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(descriptor, address, &length) == 0
                    ? getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) : -1
            }
        }
        return status == 0 ? String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}

extension NetworkKind {
    /// What a network's id is made of: that of a sync network says whether keys are leased.
    func fullSubnet(_ name: String, isLeasing: Bool) -> String {
        self == .sync ? SyncNode.subnet(name, isLeasing: isLeasing) : name
    }
}
