// One figure that a program tells of itself: its name, what it means, and how to read it.

/// A figure that is read when somebody asks, from wherever the module that counts it keeps it.
///
/// Modules keep plain atomics in a struct of their own and know nothing of this; a program lists what it shows.
package struct Metric: Sendable {
    /// What may be done with a figure.
    package enum Kind: String, Sendable {
        /// Only grows while the process runs.
        case counter
        /// Goes up and down.
        case gauge
        /// Observations in buckets.
        case histogram
    }

    /// What reading gives.
    package enum Reading: Sendable {
        case count(Int)
        case value(Double)
        case distribution(MetricHistogram.Snapshot)
    }

    /// As OpenTelemetry spells it: `registry.lookups`, `http.server.request.duration`.
    package let name: String
    /// One sentence.
    package let help: String
    /// Spelt out, `seconds` or `bytes`; nil for what is only counted.
    package let unit: String?
    /// Names and values that tell this one from others of its name; few and fixed, never what a peer sent.
    package let labels: [(name: String, value: String)]
    package let kind: Kind
    /// Any thread may call it; must not block.
    package let read: @Sendable () -> Reading

    /// Something counted since the start.
    package static func counter(
        _ name: String,
        _ help: String,
        unit: String? = nil,
        labels: KeyValuePairs<String, String> = [:],
        read: @escaping @Sendable () -> Int
    ) -> Metric {
        Metric(name, help, unit, labels, .counter) { .count(read()) }
    }

    /// Something that is so many now.
    package static func gauge(
        _ name: String,
        _ help: String,
        unit: String? = nil,
        labels: KeyValuePairs<String, String> = [:],
        read: @escaping @Sendable () -> Int
    ) -> Metric {
        Metric(name, help, unit, labels, .gauge) { .count(read()) }
    }

    /// Something that was observed many times.
    package static func histogram(
        _ name: String,
        _ help: String,
        unit: String? = nil,
        labels: KeyValuePairs<String, String> = [:],
        _ histogram: MetricHistogram
    ) -> Metric {
        Metric(name, help, unit, labels, .histogram) { .distribution(histogram.snapshot) }
    }

    /// Something that was observed many times, and is counted elsewhere.
    package static func distribution(
        _ name: String,
        _ help: String,
        unit: String? = nil,
        labels: KeyValuePairs<String, String> = [:],
        read: @escaping @Sendable () -> MetricHistogram.Snapshot
    ) -> Metric {
        Metric(name, help, unit, labels, .histogram) { .distribution(read()) }
    }

    init(
        _ name: String,
        _ help: String,
        _ unit: String?,
        _ labels: KeyValuePairs<String, String>,
        _ kind: Kind,
        read: @escaping @Sendable () -> Reading
    ) {
        self.name = name
        self.help = help
        self.unit = unit
        self.labels = labels.map { (name: $0.key, value: $0.value) }
        self.kind = kind
        self.read = read
    }
}
