// The two ways to seal, and the limits that both share.

import Crypto

/// How a body is sealed: which key encapsulation; key derivation (HKDF-SHA256) and cipher (ChaCha20-Poly1305) are the
/// same in both.
package enum SealingSuite: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    /// DHKEM(X25519, HKDF-SHA256), RFC 9180 section 7.1.
    case x25519 = 1
    /// X-Wing, KEM 0x647a: ML-KEM-768 with X25519, so that a capture resists a later quantum computer.
    case xWing = 2

    package static func < (left: SealingSuite, right: SealingSuite) -> Bool { left.rawValue < right.rawValue }

    /// The octets of an encapsulated key: `enc` in a body.
    package var encapsulationCount: Int {
        switch self {
        case .x25519: 32
        case .xWing: 1120
        }
    }

    /// The octets of a public sealing key.
    package var publicKeyCount: Int {
        switch self {
        case .x25519: 32
        case .xWing: 1216
        }
    }

    /// Not the library's preset for X-Wing, which is AES-GCM.
    var ciphersuite: HPKE.Ciphersuite {
        switch self {
        case .x25519: HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .chaChaPoly)
        case .xWing: HPKE.Ciphersuite(kem: .XWingMLKEM768X25519, kdf: .HKDF_SHA256, aead: .chaChaPoly)
        }
    }
}

/// The sizes of a sealed message, in octets.
package enum SealingLimits {
    /// A whole body.
    package static let bodyMax = 64 * 1024
    /// What is encrypted, before the cipher's tag.
    package static let plainMax = 32 * 1024
    /// The smallest size class of what is encrypted; the others are its doubles.
    package static let plainMin = 256
    /// The text of one message.
    package static let textMax = 16 * 1024
    /// A sender's record.
    package static let recordMax = 8 * 1024
    /// Messages of one body.
    package static let messagesMax = 64
    /// The cipher's tag.
    package static let tagCount = 16
    /// A signature and the key it is by, in front of the inner part.
    package static let signerCount = 64 + 32

    /// Whether `count` is 256·2^k, at most 32 KiB: all that is encrypted has one of these eight sizes.
    package static func isSizeClass(_ count: Int) -> Bool {
        count >= plainMin && count <= plainMax && count.nonzeroBitCount == 1
    }

    /// The smallest size class that holds `count`; nil beyond 32 KiB.
    package static func sizeClass(holding count: Int) -> Int? {
        var size = plainMin
        while size < count, size <= plainMax { size *= 2 }
        return size <= plainMax ? size : nil
    }
}
