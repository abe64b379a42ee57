// The log handler of every executable: one event, one whole line.

package import Logging

/// Formats an event and hands the line, line feed included, to a writer.
///
/// A value, as swift-log wants it. Logging blocks for as long as the writer does.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let label: String
    private let format: LogFormat
    private let now: @Sendable () -> Duration
    private let write: @Sendable (String) -> Void

    /// A handler for the logger named `label`.
    ///
    /// - Parameters:
    ///   - label: The logger's name; only JSON lines show it.
    ///   - format: How a line looks.
    ///   - level: What is less severe is dropped.
    ///   - now: The time since 1970-01-01T00:00:00Z.
    ///   - write: Takes one line at a time from any thread, and must keep lines apart.
    package init(
        label: String,
        format: LogFormat,
        level: Logger.Level,
        now: @escaping @Sendable () -> Duration,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.format = format
        logLevel = level
        self.now = now
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        // The nearer a value is to the event, the more it counts.
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error, all["error.message"] == nil { all["error.message"] = "\(error)" }
        let line = format.line(
            level: event.level,
            message: event.message.description,
            label: label,
            metadata: all,
            time: now()
        )
        write(line + "\n")
    }
}

extension LineLogHandler {
    /// Makes this the handler of every `Logger` of the process, writing to standard error; to be called once.
    package static func bootstrap(format: LogFormat, level: Logger.Level, now: @escaping @Sendable () -> Duration) {
        LoggingSystem.bootstrap(
            { label, provider in
                var handler = LineLogHandler(label: label, format: format, level: level, now: now) { line in
                    StandardError.write(line)
                }
                handler.metadataProvider = provider
                return handler
            },
            metadataProvider: nil
        )
    }
}
