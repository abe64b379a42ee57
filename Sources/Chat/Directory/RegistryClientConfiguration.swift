// The limits and times of the registry's client, each with its unit and what it bounds.

/// How ``RegistryClient`` behaves.
package struct RegistryClientConfiguration: Sendable {
    /// From a request until its whole answer is there; of `/changes` until its head is there.
    package var answerTimeout: Duration = .seconds(10)
    /// Without an octet on `/changes`, comments included, after which the connection is taken for dead.
    package var silenceTimeout: Duration = .seconds(60)
    /// Octets of an answer about one name.
    package var answerBytesMax = 32 << 10
    /// Octets of one page of a listing or of a batch.
    package var pageBytesMax = 4 << 20
    /// Names asked for in one page or batch.
    package var pageNamesMax = 500
    /// What one change may take.
    package var eventLimits = EventStreamParser.Limits()

    package init() {}
}
