// A sign of life that costs no signature.

import Crypto
import Foundation

/// The field `Peer-Renew`: `seq.n.MAC`.
package struct PeerRenewal: Sendable, Hashable {
    /// Of the record that the lease began with, below 2^53.
    package let sequence: UInt64
    /// `n`: grows with each renewal of a lease.
    package let counter: UInt64
    /// 32 octets.
    package let mac: [UInt8]

    /// The longest field value that is read.
    private static let octetsMax = 16 + 1 + 20 + 1 + 43

    package init(sequence: UInt64, counter: UInt64, mac: [UInt8]) {
        (self.sequence, self.counter, self.mac) = (sequence, counter, mac)
    }

    /// Reads a field value; nil unless it is two decimal numbers without leading zeros and 32 octets in base64url.
    package init?(parsing fieldValue: some Sequence<UInt8>) {
        let text = Array(fieldValue.prefix(Self.octetsMax + 1))
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let sequence = Self.number(parts[0]), sequence <= PeerRecord.sequenceMax,
            let counter = Self.number(parts[1]), parts[2].count == 43, let mac = Base64URL.decode(parts[2])
        else { return nil }
        self.init(sequence: sequence, counter: counter, mac: mac)
    }

    /// The renewal that whoever has the lease key can make.
    ///
    /// MAC = HMAC-SHA256(lease key, `renew` 00 id 00 seq ‖ n), both numbers in 8 octets, big-endian; `id` is the folded
    /// form, as for ``Lease/key(secret:identifier:key:sequence:)``.
    ///
    /// - Parameters:
    ///   - leaseKey: What `Peer-Lease` said, 32 octets.
    ///   - identifier: Whose lease.
    ///   - sequence: Of the record that the lease began with.
    ///   - counter: Higher than ever before in this lease.
    /// - Returns: The renewal with its MAC.
    package static func make(
        leaseKey: [UInt8],
        identifier: PeerIdentifier,
        sequence: UInt64,
        counter: UInt64
    ) -> PeerRenewal {
        let message = message(identifier.folded, sequence, counter)
        let mac = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: leaseKey))
        return PeerRenewal(sequence: sequence, counter: counter, mac: Array(mac))
    }

    /// As the field is sent.
    package var fieldValue: String { "\(sequence).\(counter).\(Base64URL.encode(mac))" }

    /// Whether the MAC is this lease's; compared in constant time.
    ///
    /// `id` may also be the name as its peer writes it: who has only the protocol's text will take that.
    package func isValid(leaseKey: [UInt8], identifier: PeerIdentifier) -> Bool {
        let key = SymmetricKey(data: leaseKey)
        func isValid(_ name: String) -> Bool {
            let message = Self.message(name, sequence, counter)
            return HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: message, using: key)
        }
        if isValid(identifier.folded) { return true }
        // Strings are equal in any normal form, and both are in NFC.
        return identifier.text != identifier.folded && isValid(identifier.text)
    }

    private static func message(_ name: String, _ sequence: UInt64, _ counter: UInt64) -> [UInt8] {
        var message = Lease.labelled("renew", name)
        Lease.append(sequence, to: &message)
        Lease.append(counter, to: &message)
        return message
    }

    /// A decimal number below 2^64 without leading zeros.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard 1...20 ~= digits.count, digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit &- 0x30 < 10 else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(digit - 0x30))
            guard !overflowed, !carried else { return nil }
            value = sum
        }
        return value
    }
}
