// How the store behaves towards Redis.

/// Limits and times of ``RedisPeerStore``; the defaults suit a Redis in the same network.
package struct RedisConfiguration: Sendable {
    /// What all keys begin with; registries with the same prefix share one population.
    package var prefix = "waystation:registry:"
    /// How long a connection may take to be made, 0.1 to 60 s.
    package var connectTimeout = Duration.seconds(2)
    /// How long an answer may take before the connection is given up, 0.1 to 60 s.
    package var answerTimeout = Duration.seconds(3)
    /// How long Redis holds back the answer to a wait for events when there are none, 1 to 60 s.
    package var blockingRead = Duration.seconds(10)
    /// The first pause before connecting again; each later one is twice as long, less a random part of up to half.
    package var backOffMin = Duration.milliseconds(50)
    /// The longest pause.
    package var backOffMax = Duration.seconds(5)
    /// Commands under way at a time; more are refused at once, 1 to 1,000,000.
    package var commandsMax = 10_000
    /// About how many events are kept for watchers that come back: about 150 octets each in Redis.
    package var eventsMax = 1_000_000
    /// Those who wait for events at a time; more are refused.
    package var waitersMax = 100_000
    /// What an answer may measure.
    package var limits = RESPLimits()

    package init() {}
}
