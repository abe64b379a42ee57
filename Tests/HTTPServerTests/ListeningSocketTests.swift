// A listening socket owns one descriptor, and closes that one once.

#if os(Linux)
import Glibc
import NIOCore
import Synchronization
import Testing

@testable import HTTPServer

struct ListeningSocketTests {
    @Test(.timeLimit(.minutes(5)))
    func `a bind that fails closes no descriptor but its own`() async throws {
        let taken = try ListeningSocket(SocketAddress(ipAddress: "127.0.0.1", port: 0), backlog: 1)
        let address = try #require(taken.localAddress)
        let isOver = Atomic(false)
        // Descriptors of another task: the number that the failing bind gave back is the next to be given out.
        async let strangersClosed = {
            var count = 0
            while !isOver.load(ordering: .relaxed) {
                let stranger = open("/dev/null", O_RDONLY | O_CLOEXEC)
                if fcntl(stranger, F_GETFD) < 0 || close(stranger) < 0 { count += 1 }
            }
            return count
        }()
        for _ in 0..<20_000 {
            #expect(throws: IOError.self) { try ListeningSocket(address, backlog: 1) }
        }
        isOver.store(true, ordering: .relaxed)
        #expect(await strangersClosed == 0)
    }
}
#endif
