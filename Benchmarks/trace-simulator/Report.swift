// The tables that the simulator prints.

/// One line: a trace, a size, and what each policy missed.
struct ReportLine {
    let trace: String
    let isMedia: Bool
    let share: Double
    let lru: Misses
    let others: [Misses]
}

/// Markdown: misses relative to LRU's, first by octets, then by requests.
struct Report {
    let policies: [String]
    let lines: [ReportLine]
    /// The column of the product.
    let own: Int

    /// All tables and what they add up to.
    var markdown: String {
        table("Octets missed", \.byteRatio) + "\n" + table("Requests missed", \.requestRatio) + "\n" + summary
    }

    private func table(_ title: String, _ ratio: KeyPath<Misses, Double>) -> String {
        var text = "### \(title): LRU's miss ratio, and the others' relative to it\n\n"
        text += "| trace | cache | LRU | " + policies.joined(separator: " | ") + " |\n"
        text += "| --- | --- | --- |" + String(repeating: " --- |", count: policies.count) + "\n"
        for line in lines {
            let lru = line.lru[keyPath: ratio]
            let cells = line.others.map { decimal(lru > 0 ? $0[keyPath: ratio] / lru : 1, 3) }
            text += "| \(line.trace)\(line.isMedia ? "" : " *") | \(percent(line.share)) | \(decimal(lru, 3)) | "
            text += cells.joined(separator: " | ") + " |\n"
        }
        return text
    }

    private var summary: String {
        let ratios = lines.map { ($0, $0.others[own].byteRatio / $0.lru.byteRatio) }
        let worse = ratios.filter { $0.1 > 1 }
        let media = ratios.filter { $0.0.isMedia }
        let good = media.filter { $0.1 <= 0.85 }
        var text = "`*`: not like media. \(policies[own]), octets: "
        text += "worse than LRU in \(worse.count) of \(ratios.count) lines"
        if let worst = ratios.map(\.1).max() { text += " (at most \(decimal(worst, 4)) of it)" }
        text += "; at least 15 % below it in \(good.count) of \(media.count) media lines"
        if !media.isEmpty {
            let mean = media.reduce(0) { $0 + $1.1 } / Double(media.count)
            text += ", \(decimal(mean, 3)) of it on average"
        }
        return text + ".\n"
    }

    private func percent(_ share: Double) -> String {
        "\(decimal(share * 100, share < 0.01 ? 1 : 0)) %"
    }
}

/// `value` with so many digits behind the point.
func decimal(_ value: Double, _ digits: Int) -> String {
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let rounded = Int((value * Double(scale)).rounded())
    guard digits > 0 else { return "\(rounded)" }
    let fraction = String(scale + rounded % scale).dropFirst()
    return "\(rounded / scale).\(fraction)"
}
