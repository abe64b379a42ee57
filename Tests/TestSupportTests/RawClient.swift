// The other side of the scripted origin in its own tests: sends octets, reads all there is.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A blocking client socket.
final class RawClient {
    /// How a connection ended.
    enum End: Equatable {
        case closed
        case reset
    }

    private let descriptor: Int32

    init(port: UInt16) {
        #if canImport(Glibc)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(descriptor, $0, length) }
        }
    }

    deinit {
        close(descriptor)
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(descriptor, bytes, bytes.count)
    }

    /// Reads until the origin ends the connection.
    func readToEnd() -> (bytes: [UInt8], end: End) {
        var all: [UInt8] = []
        while true {
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 { return (all, .closed) }
            if count < 0 { return (all, .reset) }
            all += chunk[..<count]
        }
    }

    /// Reads until `count` octets are there or the connection ends.
    func read(count: Int) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            var chunk = [UInt8](repeating: 0, count: count - all.count)
            let got = recv(descriptor, &chunk, chunk.count, 0)
            guard got > 0 else { break }
            all += chunk[..<got]
        }
        return all
    }
}
