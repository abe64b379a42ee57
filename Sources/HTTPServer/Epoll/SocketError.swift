// What a system call for sockets said.

#if os(Linux)
/// A system call that failed.
struct SocketError: Error, CustomStringConvertible {
    let call: String
    /// The value of errno.
    let code: Int32

    var description: String { "\(call) failed with errno \(code)" }
}
#endif
