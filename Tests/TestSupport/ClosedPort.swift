// A port of 127.0.0.1 on which certainly nobody listens.

import Foundation

/// Bound, so that nobody else gets it, and not listening, so that connections are refused, until this object goes.
package final class ClosedPort: Sendable {
    package let port: Int
    private let descriptor: OwnedDescriptor

    package init() throws {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw POSIXError(.EMFILE) }
        descriptor = OwnedDescriptor(number)
        port = try bindToFreePort(number)
    }

    /// `127.0.0.1:PORT`.
    package var authority: String { "127.0.0.1:\(port)" }
}
