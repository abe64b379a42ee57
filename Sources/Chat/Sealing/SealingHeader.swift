// The first ten octets of a sealed body: how it is sealed and to which key.

import Crypto

/// The first 8 octets of the SHA-256 of a public sealing key: which of a receiver's keys a body is for.
package struct SealingKeyID: Sendable, Hashable {
    package let value: UInt64

    package init(_ value: UInt64) {
        self.value = value
    }

    /// The id of a public key.
    package init(of publicKey: [UInt8]) {
        value = SHA256.hash(data: publicKey).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// `01 version ‖ suite ‖ key id`.
package struct SealingHeader: Sendable, Hashable {
    package static let count = 10
    package static let version: UInt8 = 1

    package var suite: SealingSuite
    package var keyID: SealingKeyID

    package init(suite: SealingSuite, keyID: SealingKeyID) {
        (self.suite, self.keyID) = (suite, keyID)
    }

    /// Reads the header of a whole body and checks everything that needs no key: the sizes as well.
    ///
    /// - Throws: ``SealingError``: `tooLarge`, `malformed`, `unknownFormat`.
    package init(of body: some RandomAccessCollection<UInt8>) throws(SealingError) {
        guard body.count <= SealingLimits.bodyMax else {
            throw SealingError(.tooLarge, "the body is longer than 64 KiB")
        }
        guard body.count >= SealingHeader.count else {
            throw SealingError(.malformed, "the body is shorter than its header")
        }
        var reader = OctetReader(Array(body.prefix(SealingHeader.count)))
        guard reader.octet() == SealingHeader.version else {
            throw SealingError(.unknownFormat, "the version of the body is not 1")
        }
        guard let suite = reader.octet().flatMap(SealingSuite.init(rawValue:)), let id = reader.integer(octets: 8)
        else {
            throw SealingError(.unknownFormat, "the suite of the body is not known here")
        }
        let plainCount = body.count - SealingHeader.count - suite.encapsulationCount - SealingLimits.tagCount
        guard SealingLimits.isSizeClass(plainCount) else {
            throw SealingError(.malformed, "the body has no size that a sealed body can have")
        }
        (self.suite, keyID) = (suite, SealingKeyID(id))
    }

    package var octets: [UInt8] {
        var octets = [SealingHeader.version, suite.rawValue]
        octets.append(bigEndian: keyID.value, octets: 8)
        return octets
    }
}
