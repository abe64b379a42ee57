// Whether 1,216 octets are a public key of X-Wing (draft-connolly-cfrg-xwing-kem).

/// An ML-KEM-768 encapsulation key (FIPS 203), 1,184 octets, and an X25519 key, 32.
enum XWingKey {
    static let length = 1_216
    /// 768 coefficients of 12 bits; the 32 octets behind them are a seed, of which each is as good as another.
    private static let coefficientOctets = 1_152
    private static let modulus: UInt16 = 3_329

    /// Whether the crypto library can seal to it, and its X25519 half is not of low order.
    ///
    /// The library looks at a key only when it is to encapsulate, which takes 50 microseconds and more; this is the part
    /// of it that can fail. The tests compare the two.
    static func isValid(_ key: [UInt8]) -> Bool {
        guard key.count == length else { return false }
        // FIPS 203 section 7.2: each coefficient is below q.
        for index in stride(from: 0, to: coefficientOctets, by: 3) {
            let first = UInt16(key[index]) | UInt16(key[index + 1] & 0x0f) << 8
            let second = UInt16(key[index + 1] >> 4) | UInt16(key[index + 2]) << 4
            guard first < modulus, second < modulus else { return false }
        }
        return !LowOrderPoint.isX25519(key[(length - 32)...])
    }
}
