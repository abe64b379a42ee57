// What can be wrong with a sealed body, and which status answers it.

/// Why a body was not sealed or not opened.
package struct SealingError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// Not what the protocol says, in whatever part; or altered on the way.
        case malformed
        /// More than 64 KiB.
        case tooLarge
        /// A version or suite that is not known here.
        case unknownFormat
        /// Sealed to a key that is not held, or no longer.
        case unknownKey
        /// Addressed to another name.
        case wrongRecipient
        /// Not signed by the key it names.
        case badSignature
        /// The recipient's keys do not allow the suite that is due, or are no keys.
        case badKeys
        /// A message, or all of them together, is longer than a body takes; or there are none, or more than 64.
        case badMessages
        /// The cryptographic library failed.
        case failed
    }

    package let code: Code
    /// For people: what was wrong with which part.
    package let message: String

    package init(_ code: Code, _ message: String) {
        (self.code, self.message) = (code, message)
    }

    /// The status with which a receiver answers such a body.
    package var status: Int {
        switch code {
        case .malformed, .wrongRecipient, .badSignature, .badKeys, .badMessages: 400
        case .unknownKey: 409
        case .tooLarge: 413
        case .unknownFormat: 415
        case .failed: 500
        }
    }

    package var description: String { message }
}
