// What the helpers of the tests throw.

/// Why a helper could not do what a test asked of it.
package enum TestSupportError: Error, CustomStringConvertible {
    case systemCall(String, errno: Int32)
    /// An event that a test waited for did not come within the bound.
    case notReached(String)

    package var description: String {
        switch self {
        case .systemCall(let call, let errno): "\(call) failed with errno \(errno)"
        case .notReached(let what): what
        }
    }
}
