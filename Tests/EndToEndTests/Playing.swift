// The steps that the end-to-end tests share: playing to the end, and comparing octets with the origin's files.

import Foundation
import TestSupport
import Testing

/// Decodes everything at `url` and returns its duration in seconds; any complaint of ffmpeg's is an issue.
func play(_ url: String, from sourceLocation: SourceLocation = #_sourceLocation) async throws -> Double {
    let decode = try await RunningProcess.run(
        ["ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-i", url, "-f", "null", "-"],
        within: .seconds(300)
    )
    #expect(decode.status == 0 && decode.errors == "", "ffmpeg on \(url)", sourceLocation: sourceLocation)
    let probe = try await RunningProcess.succeed([
        "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", url,
    ])
    return Double(probe.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? .nan
}

/// Fetches each of `files` below `base` whole and expects the octets of the files below `root`.
func expectWhole(
    _ files: [String],
    below base: String,
    equal root: String,
    from sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let directory = try TemporaryDirectory()
    let received = directory.file("received")
    for file in files {
        let curl = try await RunningProcess.run(
            ["curl", "-sS", "--fail", "--noproxy", "*", "-o", received, "\(base)/\(file)"],
            within: .seconds(300)
        )
        #expect(curl.status == 0, "\(file): \(curl.errors)", sourceLocation: sourceLocation)
        let compare = try await RunningProcess.run(["cmp", received, "\(root)/\(file)"])
        #expect(compare.status == 0, "\(file): \(compare.output)\(compare.errors)", sourceLocation: sourceLocation)
    }
}

/// A single range as a client asks for it, and the octets that it means in a file of `length`.
struct AskedRange: Sendable {
    let text: String
    let bounds: Range<Int>

    /// Closed, open and suffix ranges at places that `generator` chooses, the first and the last octet among them.
    static func some(of length: Int, using generator: inout some RandomNumberGenerator) -> [AskedRange] {
        var ranges = [
            AskedRange(text: "0-0", bounds: 0..<1),
            AskedRange(text: "-1", bounds: length - 1..<length),
            AskedRange(text: "0-\(length + 99)", bounds: 0..<length),
        ]
        for _ in 0..<4 {
            let first = Int.random(in: 0..<length, using: &generator)
            let last = Int.random(in: first..<min(length, first + 3_000_000), using: &generator)
            let count = Int.random(in: 1...min(length, 3_000_000), using: &generator)
            ranges.append(AskedRange(text: "\(first)-\(last)", bounds: first..<last + 1))
            ranges.append(AskedRange(text: "-\(count)", bounds: length - count..<length))
        }
        let first = Int.random(in: max(0, length - 3_000_000)..<length, using: &generator)
        ranges.append(AskedRange(text: "\(first)-", bounds: first..<length))
        return ranges
    }
}

/// Fetches each range of `url` and expects those octets of `file`; `status` is 206, or 200 with the whole.
func expectRanges(_ ranges: [AskedRange], of url: String, equal file: String, status: Set<String>) async throws {
    let directory = try TemporaryDirectory()
    let whole = try Data(contentsOf: URL(filePath: file), options: .alwaysMapped)
    let received = directory.file("received")
    for range in ranges {
        let curl = try await RunningProcess.succeed([
            "curl", "-sS", "--fail", "--noproxy", "*", "-r", range.text, "-o", received,
            "-w", "%{http_code} %header{content-range}", url,
        ])
        let words = curl.output.split(separator: " ")
        let code = words.first.map(String.init) ?? ""
        #expect(status.contains(code), "range \(range.text) of \(url)")
        let octets = try Data(contentsOf: URL(filePath: received))
        if code == "206" {
            #expect(octets == whole[range.bounds], "range \(range.text) of \(url)")
            #expect(
                words.last.map(String.init)
                    == "\(range.bounds.lowerBound)-\(range.bounds.upperBound - 1)/\(whole.count)"
            )
        } else {
            #expect(octets == whole, "range \(range.text) of \(url), answered whole")
        }
    }
}
