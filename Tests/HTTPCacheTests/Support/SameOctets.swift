// Compares many octets at once: element by element takes minutes without optimisation.

import Foundation

extension [UInt8] {
    /// Whether these are the octets of `other`.
    func isSame(as other: ArraySlice<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return withUnsafeBytes { own in
            other.withUnsafeBytes { theirs in
                guard let a = own.baseAddress, let b = theirs.baseAddress else { return true }
                return memcmp(a, b, own.count) == 0
            }
        }
    }

    /// Whether these are the octets of `other`.
    func isSame(as other: [UInt8]) -> Bool { isSame(as: other[...]) }
}
