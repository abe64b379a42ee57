// Checks the values of the flags that say where a program listens.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What flags such as `--port` and `--host` take.
package enum ListenValues {
    /// 127.0.0.1 first: what `localhost` means to the most clients.
    package static let loopbacks = ["127.0.0.1", "::1"]

    /// 0 to 65535.
    package static func port(_ text: String) throws(InvalidValue) -> Int {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(text), port <= 65535 else {
            throw InvalidValue("expected a number from 0 to 65535")
        }
        return port
    }

    /// A numeric address, perhaps in brackets, or `localhost`, which is both loopback addresses.
    package static func host(_ text: String) throws(InvalidValue) -> [String] {
        if text.lowercased() == "localhost" { return loopbacks }
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]") && text.utf8.count > 2
        let address = isBracketed ? String(text.dropFirst().dropLast()) : text
        var octets = (UInt64(0), UInt64(0))
        if inet_pton(AF_INET6, address, &octets) == 1 { return [address] }
        guard !isBracketed, inet_pton(AF_INET, address, &octets) == 1 else {
            throw InvalidValue("expected an address of this machine such as 0.0.0.0, ::1 or localhost")
        }
        return [address]
    }

    /// Every address of `given` once, or the loopback ones if none was given.
    package static func hosts(_ given: [[String]]) -> [String] {
        var hosts: [String] = []
        for host in given.isEmpty ? loopbacks : given.flatMap(\.self) where !hosts.contains(host) { hosts.append(host) }
        return hosts
    }

    /// What to call a server on `hosts` and `port`: `http://localhost:8080`, or each address with `and` between.
    package static func display(_ hosts: [String], port: Int, scheme: String = "http") -> String {
        let names = hosts == loopbacks ? ["localhost"] : hosts.map { $0.contains(":") ? "[\($0)]" : $0 }
        return names.map { "\(scheme)://\($0):\(port)" }.joined(separator: " and ")
    }
}
