// What can go wrong with a server as a whole; what goes wrong with one request is answered to its client.

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Why a server could not start.
package struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; may grow.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case addressInUse, permissionDenied, addressUnavailable, badAddress, bindFailed, alreadyRan
            case badCertificate, badKey
        }

        private let kind: Kind

        /// Another process listens there.
        package static let addressInUse = Code(kind: .addressInUse)
        /// The port or address is reserved for others.
        package static let permissionDenied = Code(kind: .permissionDenied)
        /// The address is not one of this machine's.
        package static let addressUnavailable = Code(kind: .addressUnavailable)
        /// The address cannot be read or its name not be resolved.
        package static let badAddress = Code(kind: .badAddress)
        /// Listening failed in another way.
        package static let bindFailed = Code(kind: .bindFailed)
        /// ``Server/bind()`` or ``Server/run()`` was called twice.
        package static let alreadyRan = Code(kind: .alreadyRan)

        /// The certificate file cannot be read or used.
        package static let badCertificate = Code(kind: .badCertificate)
        /// The key file cannot be read or used, or its key is not the certificate's.
        package static let badKey = Code(kind: .badKey)

        package var description: String { kind.rawValue }
    }

    package let code: Code
    /// What was attempted, on what, and what went wrong.
    package let message: String
    /// The error beneath, if there is one.
    package let underlying: (any Error)?

    package var description: String { "\(code): \(message)" }

    /// The errno by which the system refused an address; nil if something else is wrong.
    package var systemErrorCode: Int32? {
        switch code {
        case .addressInUse: EADDRINUSE
        case .permissionDenied: EACCES
        case .addressUnavailable, .badAddress: EADDRNOTAVAIL
        case .bindFailed: (underlying as? IOError)?.errnoCode ?? EINVAL
        default: nil
        }
    }
}
