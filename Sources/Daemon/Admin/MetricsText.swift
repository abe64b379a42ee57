// Metrics in the text format that Prometheus reads, version 0.0.4.

/// Writes metrics as text: prometheus.io/docs/instrumenting/exposition_formats, names by OpenTelemetry's rules for it.
package enum MetricsText {
    /// The value of Content-Type that belongs to the text.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All of them as they are now, those of one name together, in the order of the first of each name.
    package static func text(_ metrics: [Metric]) -> String {
        var names: [String] = []
        var families: [String: [Metric]] = [:]
        for metric in metrics {
            let name = exposedName(metric)
            if families[name] == nil { names.append(name) }
            families[name, default: []].append(metric)
        }
        var text = ""
        for name in names {
            guard let family = families[name], let first = family.first else { continue }
            text += "# HELP \(name) \(escaped(first.help, quotes: false))\n# TYPE \(name) \(first.kind.rawValue)\n"
            for metric in family { append(metric, name, to: &text) }
        }
        return text
    }

    /// `registry.lookups` as `registry_lookups_total`, `http.server.request.duration` as `..._duration_seconds`.
    static func exposedName(_ metric: Metric) -> String {
        var name = sanitized(metric.name)
        if let unit = metric.unit.map(sanitized), !name.hasSuffix("_\(unit)") { name += "_\(unit)" }
        if metric.kind == .counter, !name.hasSuffix("_total") { name += "_total" }
        return name
    }

    private static func append(_ metric: Metric, _ name: String, to text: inout String) {
        switch metric.read() {
        case .count(let count): text += "\(name)\(labels(metric.labels)) \(count)\n"
        case .value(let value): text += "\(name)\(labels(metric.labels)) \(number(value))\n"
        case .distribution(let snapshot):
            var total = 0
            for (index, count) in snapshot.counts.enumerated() {
                total += count
                let bound = index < snapshot.bounds.count ? number(snapshot.bounds[index]) : "+Inf"
                text += "\(name)_bucket\(labels(metric.labels + [("le", bound)])) \(total)\n"
            }
            text += "\(name)_sum\(labels(metric.labels)) \(number(snapshot.sum))\n"
            text += "\(name)_count\(labels(metric.labels)) \(total)\n"
        }
    }

    private static func labels(_ labels: [(name: String, value: String)]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { "\(sanitized($0.name))=\"\(escaped($0.value, quotes: true))\"" }
        return "{\(pairs.joined(separator: ","))}"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        return value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : "\(value)"
    }

    /// Letters, digits and underscores, no digit first.
    private static func sanitized(_ name: String) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            let isDigit = ("0"..."9").contains(scalar)
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
            if isDigit, result.isEmpty { result += "_" }
            result += isDigit || isLetter ? String(scalar) : "_"
        }
        return result
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
