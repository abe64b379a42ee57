// A medium served as a correct origin serves a file: ranges, conditions, validators.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One file at every target of a scripted origin (RFC 9110 sections 13 and 14; single ranges only).
package struct OriginFile: Sendable {
    package var medium: Medium
    /// With its quotes, as `"v1"` or `W/"v1"`; nil: none.
    package var etag: String?
    /// An IMF-fixdate; nil: none.
    package var lastModified: String?
    /// Whether it answers Range; if not, every answer is the whole file, without Accept-Ranges.
    package var acceptRanges = true
    package var contentType = "video/mp4"
    /// More fields, as Cache-Control or Date, in front of the others.
    package var fields: [(String, String)] = []
    package var framing: Reply.Framing = .length

    package init(_ medium: Medium, etag: String? = "\"v1\"", lastModified: String? = nil) {
        self.medium = medium
        self.etag = etag
        self.lastModified = lastModified
    }

    /// The answer to `request`: 200, 206, 304, 405, 412 or 416.
    package func reply(to request: RecordedRequest) -> Reply {
        let isHead = request.method == "HEAD"
        guard isHead || request.method == "GET" else {
            return .response(405, reason: "Method Not Allowed", [("Allow", "GET, HEAD")])
        }
        if isPreconditionFailed(request) { return .response(412, reason: "Precondition Failed", validators) }
        if isNotModified(request) {
            return .response(304, reason: "Not Modified", fields + validators, framing: .none)
        }
        let all =
            fields + validators + [("Content-Type", contentType)] + (acceptRanges ? [("Accept-Ranges", "bytes")] : [])
        // RFC 9110 section 14.2: Range is defined for GET only.
        if acceptRanges, !isHead, let value = request.value("Range"), isRangeWanted(request) {
            switch range(value) {
            case .satisfiable(let range):
                let contentRange = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(medium.count)"
                return .response(
                    206,
                    reason: "Partial Content",
                    all + [("Content-Range", contentRange)],
                    medium: medium,
                    range: range
                )
            case .unsatisfiable:
                return .response(416, reason: "Range Not Satisfiable", [("Content-Range", "bytes */\(medium.count)")])
            case .ignored: break
            }
        }
        if isHead {
            return .response(200, all + [("Content-Length", "\(medium.count)")], framing: .none)
        }
        return .response(200, all, medium: medium, framing: framing)
    }

    private enum RangeAnswer {
        case satisfiable(Range<Int64>)
        case unsatisfiable
        case ignored
    }

    private var validators: [(String, String)] {
        (etag.map { [("ETag", $0)] } ?? []) + (lastModified.map { [("Last-Modified", $0)] } ?? [])
    }

    private func isPreconditionFailed(_ request: RecordedRequest) -> Bool {
        if let condition = request.value("If-Match") {
            return condition != "*" && !tags(condition).contains { isStronglyEqual($0) }
        }
        if let condition = request.value("If-Unmodified-Since"), let limit = seconds(condition), let modified {
            return modified > limit
        }
        return false
    }

    private func isNotModified(_ request: RecordedRequest) -> Bool {
        if let condition = request.value("If-None-Match") {
            guard let etag else { return false }
            return condition == "*" || tags(condition).contains { opaque($0) == opaque(etag) }
        }
        if let condition = request.value("If-Modified-Since"), let limit = seconds(condition), let modified {
            return modified <= limit
        }
        return false
    }

    /// RFC 9110 section 13.1.5: the strong comparison, a date only if it is the very same.
    private func isRangeWanted(_ request: RecordedRequest) -> Bool {
        guard let condition = request.value("If-Range") else { return true }
        return condition.contains("\"") ? isStronglyEqual(condition) : condition == lastModified
    }

    private func isStronglyEqual(_ tag: String) -> Bool {
        tag == etag && !tag.hasPrefix("W/")
    }

    private func range(_ value: String) -> RangeAnswer {
        guard value.hasPrefix("bytes="), !value.contains(",") else { return .ignored }
        let parts = value.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return .ignored }
        if parts[0].isEmpty {
            guard let suffix = Int64(parts[1]) else { return .ignored }
            return suffix > 0 && medium.count > 0
                ? .satisfiable(max(0, medium.count - suffix)..<medium.count) : .unsatisfiable
        }
        guard let first = Int64(parts[0]), let last = parts[1].isEmpty ? Int64.max - 1 : Int64(parts[1]), first <= last
        else {
            return .ignored
        }
        return first < medium.count ? .satisfiable(first..<min(last + 1, medium.count)) : .unsatisfiable
    }

    private func tags(_ list: String) -> [String] {
        list.split(separator: ",").map { $0.trimmed }
    }

    private func opaque(_ tag: String) -> String {
        tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : tag
    }

    private var modified: Int? { lastModified.flatMap { seconds($0) } }

    /// Seconds since 1970 of an IMF-fixdate, or nil.
    private func seconds(_ date: String) -> Int? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = date.split { " :,".contains($0) }
        guard parts.count == 8, let month = months.firstIndex(where: { $0 == parts[2] }) else { return nil }
        guard let day = Int32(parts[1]), let year = Int32(parts[3]) else { return nil }
        guard let hour = Int32(parts[4]), let minute = Int32(parts[5]), let second = Int32(parts[6]) else { return nil }
        var time = tm()
        (time.tm_year, time.tm_mon, time.tm_mday) = (year - 1900, Int32(month), day)
        (time.tm_hour, time.tm_min, time.tm_sec) = (hour, minute, second)
        return timegm(&time)
    }
}
