// What a receiver answers with, by which the sender knows that the right peer stored the messages.

import Crypto

/// The key of one body's receipt: only the two ends of that body have it.
package struct ReceiptKey: Sendable {
    private let key: SymmetricKey

    init(_ key: SymmetricKey) {
        self.key = key
    }

    /// Raw octets, for test vectors.
    package init(octets: [UInt8]) {
        key = SymmetricKey(data: octets)
    }

    fileprivate func code(of octets: some Sequence<UInt8>) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(octets), using: key))
    }

    fileprivate func isValid(_ code: [UInt8], of octets: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: octets, using: key)
    }
}

/// 40 octets: the highest stored number of the stream ‖ HMAC-SHA256 of these 8 octets under the body's receipt key.
package enum Receipt {
    package static let count = 40

    /// The receipt that all of the stream up to `highest` is stored.
    package static func make(highest: UInt64, key: ReceiptKey) -> [UInt8] {
        var octets: [UInt8] = []
        octets.append(bigEndian: highest, octets: 8)
        return octets + key.code(of: octets)
    }

    /// The highest stored number; nil unless it is a receipt under that key.
    ///
    /// Takes the same time for every wrong code.
    package static func highest(in octets: some Collection<UInt8>, key: ReceiptKey) -> UInt64? {
        guard octets.count == count else { return nil }
        var reader = OctetReader(Array(octets))
        guard let number = reader.take(8), let code = reader.take(32), key.isValid(Array(code), of: Array(number))
        else {
            return nil
        }
        return number.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
