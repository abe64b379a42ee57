// The identifiers of new stored responses.

import Synchronization

/// Numbers that follow one another from a random one out of 2^63 on: that two processes give the same one is less likely
/// than that a disk lies.
///
/// What is stored one after the other stands side by side in an index by identifiers, which is then written in few places.
package final class ResponseNumbers: Sendable {
    private let next: Atomic<UInt64>

    /// Numbers from one that `generator` gives.
    package init(using generator: inout some RandomNumberGenerator) {
        next = Atomic(generator.next())
    }

    /// An identifier that was not given before.
    package func take() -> ResponseID {
        ResponseID(rawValue: next.wrappingAdd(1, ordering: .relaxed).oldValue & (.max >> 1))
    }
}
