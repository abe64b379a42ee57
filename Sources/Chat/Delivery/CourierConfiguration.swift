// How much a courier does at once, and how long it waits between attempts.

/// The limits of a ``Courier``.
package struct CourierConfiguration: Sendable {
    /// How many recipients are delivered to at the same time; at least 1.
    package var recipientsAtOnce = 64
    /// How many messages share a body, 1 to 64.
    package var messagesPerBodyMax = 64
    /// The wait after the first failure, a quarter more or less at random; each further failure doubles it.
    package var firstRetry = Duration.milliseconds(250)
    /// The longest wait for a peer that does not answer.
    package var retryMax = Duration.seconds(10)
    /// The longest wait for what changes rarely: a name that nobody holds, a key that changed.
    package var slowRetryMax = Duration.seconds(30)
    /// The longest wait that a peer can ask for by Retry-After.
    package var retryAfterMax = Duration.seconds(60)
    /// How often in a row a body is sealed again because the receiver does not know the key.
    package var resealsMax = 3
    /// How long one attempt may take in all.
    package var attemptTimeout = Duration.seconds(15)
    /// How many messages may be queued; more are refused.
    package var queuedMax = 100_000
    /// How many drafts go into one transaction.
    package var draftsPerCommitMax = 512
    /// The longest text, in octets of UTF-8.
    package var textBytesMax = 16 * 1024
    /// The longest answer that is read: a record.
    package var answerBytesMax = 8 * 1024
    /// How many failed messages are remembered for ``Courier/waitUntilSettled(within:)``.
    package var failedMax = 1000

    package init() {}
}
