// How an error chooses the answer that a client gets.

package import HTTP

/// An error that knows which response it is to a client; any other error is answered with 502 (Bad Gateway).
package protocol ResponseError: Error {
    /// What the client is told; must not hold what only the operator may know.
    var response: Response { get }
}
