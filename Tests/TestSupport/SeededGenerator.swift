// Randomness that can be repeated: a test prints its seed, and the same seed gives the same run.

/// SplitMix64 (Steele, Lea, Flood 2014): fast, small, good enough for tests, never for secrets.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    /// The seed that it was made with, to print when a test fails.
    package let seed: UInt64
    private var state: UInt64

    package init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
