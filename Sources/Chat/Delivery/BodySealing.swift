// How a courier has bodies sealed, without knowing how.

/// A sealed body, and how to tell its receipt.
package struct SealedPost: Sendable {
    package var octets: [UInt8]
    /// The number in a receipt for this body; nil if it is not one.
    package var receiptNumber: @Sendable (_ receipt: [UInt8]) -> UInt64?

    package init(octets: [UInt8], receiptNumber: @escaping @Sendable (_ receipt: [UInt8]) -> UInt64?) {
        (self.octets, self.receiptNumber) = (octets, receiptNumber)
    }
}

/// Signs and seals as this client.
package protocol BodySealing: Sendable {
    /// - Throws: If the recipient's keys are of no use.
    func seal(_ envelope: ChatEnvelope, to recipient: Destination.Sealing) throws -> SealedPost
}
