// Runs policies of eviction over traces and prints what each misses; see ../README.md.

import Foundation

/// `trace-simulator [--seed N] [--requests N] [--sizes A,B] [--write DIR] [NAME or FILE...]`.
@main struct TraceSimulator {
    private var seed: UInt64 = 1
    private var requests = 1_000_000
    private var shares = [0.01, 0.03, 0.1, 0.3]
    private var directory: String?
    private var wanted: [String] = []

    private static let usage = """
        usage: trace-simulator [--seed N] [--requests N] [--sizes A,B,...] [--write DIR] [NAME | FILE]...
        NAME: a synthetic trace (default: all of them), FILE: a trace in oracleGeneral format, .zst or not;
        --sizes: of the cache, as parts of the octets of all objects; --write: only write the traces to files.
        """

    static func main() {
        do {
            try TraceSimulator(Array(CommandLine.arguments.dropFirst())).run()
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(64)
        }
    }

    private init(_ arguments: [String]) throws(SimulatorError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                wanted.append(argument)
                continue
            }
            guard let value = rest.popFirst() else { throw SimulatorError(Self.usage) }
            switch (argument, UInt64(value)) {
            case ("--seed", let number?): seed = number
            case ("--requests", let number?) where number >= 4000 && number <= 500_000_000: requests = Int(number)
            case ("--write", _): directory = value
            case ("--sizes", _):
                shares = value.split(separator: ",").compactMap { Double($0) }.filter { $0 > 0 && $0 <= 1 }
                guard !shares.isEmpty else { throw SimulatorError(Self.usage) }
            default: throw SimulatorError(Self.usage)
            }
        }
    }

    private func run() throws(SimulatorError) {
        let known = SyntheticTraces(seed: seed, count: requests).all
        var lines: [ReportLine] = []
        for name in wanted.isEmpty ? known.map(\.name) : wanted {
            let trace: Trace
            if let synthetic = known.first(where: { $0.name == name }) {
                trace = synthetic.make()
            } else {
                trace = try OracleGeneral.read(name, requestsMax: requests)
            }
            if let directory {
                try OracleGeneral.write(trace, to: "\(directory)/\(trace.name).oracleGeneral")
                continue
            }
            lines += shares.map { line(trace, $0) }
            FileHandle.standardError.write(Data("\(trace.name) done\n".utf8))
        }
        guard directory == nil else { return }
        print("Seed \(seed), \(requests) requests a trace.\n")
        print(Report(policies: Self.names, lines: lines, own: 0).markdown, terminator: "")
    }

    private static let names = [
        "Waystation", "Waystation, uses in batches", "FIFO", "S3-FIFO", "SIEVE", "W-TinyLFU", "Belady",
    ]

    private func line(_ trace: Trace, _ share: Double) -> ReportLine {
        let bytesMax = max(1, Int64(Double(trace.workingSetBytes) * share))
        let nextUses = trace.nextUses
        let sizes = trace.sizes
        let lru = QueueCache(bytesMax: bytesMax, sizes: sizes, promotes: true)
        let caches: [any SimulatedCache] = [
            ProductCache(bytesMax: bytesMax, segments: trace.segments),
            ProductCache(bytesMax: bytesMax, segments: trace.segments, usesPerBatch: 1000),
            QueueCache(bytesMax: bytesMax, sizes: sizes, promotes: false),
            S3FIFOCache(bytesMax: bytesMax, sizes: sizes),
            SieveCache(bytesMax: bytesMax, sizes: sizes),
            WTinyLFUCache(bytesMax: bytesMax, sizes: sizes),
            BeladyCache(bytesMax: bytesMax, sizes: sizes),
        ]
        return ReportLine(
            trace: trace.name,
            isMedia: trace.isMedia,
            share: share,
            lru: Misses(of: lru, over: trace, nextUses),
            others: caches.map { Misses(of: $0, over: trace, nextUses) }
        )
    }
}
