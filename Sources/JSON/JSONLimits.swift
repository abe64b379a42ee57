// How large a JSON text may be.

/// What a parser refuses for its size, so that what a peer sends cannot cost more than its limit.
package struct JSONLimits: Sendable, Hashable {
    /// Octets of the whole text: bounds the time.
    package var octetsMax: Int
    /// Arrays and objects within each other, 0 to 512: bounds the stack.
    package var depthMax: Int
    /// Members and elements in the whole text: with ``octetsMax`` bounds the memory, about 64 octets for each.
    package var membersMax: Int

    /// 16 MiB, 64 levels, 1,000,000 members unless said otherwise.
    package init(octetsMax: Int = 16 << 20, depthMax: Int = 64, membersMax: Int = 1_000_000) {
        self.octetsMax = octetsMax
        self.depthMax = min(max(depthMax, 0), 512)
        self.membersMax = membersMax
    }

    package static let standard = JSONLimits()
}
