// What can go wrong with an SQLite file as a store.

import GRDB

/// Why the file could not be used or written.
package struct SQLiteStoreError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; may grow.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case foreign, newer, inUse, damaged, full, failed, closed
        }

        private let kind: Kind

        /// The file is not a registry's.
        package static let foreign = Code(kind: .foreign)
        /// A later version of the registry wrote it.
        package static let newer = Code(kind: .newer)
        /// Another process has it.
        package static let inUse = Code(kind: .inUse)
        /// It holds what was never written.
        package static let damaged = Code(kind: .damaged)
        /// There is no room for it.
        package static let full = Code(kind: .full)
        /// Something else: the message says what.
        package static let failed = Code(kind: .failed)
        /// The store was closed.
        package static let closed = Code(kind: .closed)

        package var description: String { kind.rawValue }
    }

    package let code: Code
    /// What was attempted, on what, what went wrong, what to do.
    package let message: String
    /// The error beneath, if there is one.
    package let underlying: (any Error)?

    init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
        (self.code, self.message, self.underlying) = (code, message, underlying)
    }

    package var description: String { message }

    /// What SQLite's words mean for whoever runs a registry.
    ///
    /// - Parameters:
    ///   - attempt: Such as `open` or `write to`.
    ///   - path: The file.
    ///   - error: What was thrown.
    /// - Returns: An error with what to do.
    static func of(_ attempt: String, _ path: String, _ error: any Error) -> SQLiteStoreError {
        if let error = error as? SQLiteStoreError { return error }
        guard let error = error as? DatabaseError else {
            return SQLiteStoreError(.failed, "could not \(attempt) \(path)", underlying: error)
        }
        let words = error.message ?? "SQLite says no more than \(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_NOTADB:
            return SQLiteStoreError(.foreign, foreign(path), underlying: error)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            let advice = "stop that one, or choose another file with --store sqlite:PATH"
            return SQLiteStoreError(.inUse, "\(path) is in use by another registry; \(advice)", underlying: error)
        case .SQLITE_CORRUPT:
            let advice = "restore it from a copy, or move it away to begin with an empty registry"
            return SQLiteStoreError(.damaged, "\(path) is damaged (\(words)); \(advice)", underlying: error)
        case .SQLITE_FULL:
            return SQLiteStoreError(.full, "no room to \(attempt) \(path); make room on its disk", underlying: error)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            let advice = "its directory must exist, and both must be writable for the registry"
            return SQLiteStoreError(.failed, "could not \(attempt) \(path) (\(words)); \(advice)", underlying: error)
        default:
            return SQLiteStoreError(.failed, "could not \(attempt) \(path): \(words)", underlying: error)
        }
    }

    static func foreign(_ path: String) -> String {
        "\(path) is not a registry's file; it is left as it is: choose another with --store sqlite:PATH"
    }
}
