// The shares of every limit of open files: together within it, and none of them nothing.

import HTTP
import Testing

@Suite struct DescriptorSharesTests {
    @Test(arguments: [64, 65, 100, 128, 255, 256, 257, 1000, 1024, 4096, 20_000, 65_536, 524_288, 1 << 30, .max])
    func `the shares are within the limit, and each is enough for something`(_ limit: Int) {
        let shares = DescriptorShares(limit: limit, processors: 2)
        let sum = shares.clients + shares.refusals + 3 * shares.originConnections + shares.files
        #expect(sum <= limit - 40)
        #expect(shares.clients >= 9 && shares.refusals >= 1 && shares.files >= 6)
        #expect(shares.originConnections > shares.fills && shares.fills >= 1)
    }

    @Test func `many descriptors come to the most of each`() {
        let shares = DescriptorShares(limit: 1 << 20, processors: 8)
        #expect(shares.clients == 50_000 && shares.refusals == 64)
        #expect(shares.originConnections == 256 && shares.fills == 64 && shares.files == 16_384)
    }

    @Test(arguments: [0, 1, 63, -1]) func `where there are too few there is still something to try with`(_ limit: Int) {
        let shares = DescriptorShares(limit: limit, processors: 2)
        #expect(shares.clients >= 1 && shares.originConnections >= 2 && shares.fills >= 1 && shares.files >= 1)
    }
}
