// The express lane: hits that are held whole, answered on the event loop without a task, a wait or a Request.

package import HTTP
import Synchronization

extension CachingResponder {
    /// Answers GET and HEAD from a fresh stored response whose octets are at hand; everything else takes the long way.
    package func respondImmediately(
        to head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        into response: inout ImmediateResponse
    ) -> Bool {
        guard head.method != .other, head.present.isDisjoint(with: longWay) else { return false }
        let target = buffer.extracting(head.target)
        let (prefix, rest) = upstream.pieces(for: target)
        let variants = table.variants(of: prefix, followedBy: target.extracting(rest))
        let now = now()
        for stored in variants {
            let snapshot = stored.currentHead
            guard snapshot.isSelected(by: head, in: buffer) else { continue }
            let freshness = snapshot.freshness
            guard freshness.isFresh(at: now), !freshness.flags.contains(.alwaysValidate),
                write(stored, snapshot, now, to: head, in: buffer, into: &response)
            else { return false }
            response.outcome = .hit
            stored.markUsed()
            metrics.hits.add(1, ordering: .relaxed)
            return true
        }
        return false
    }

    private func write(
        _ stored: StoredResponse,
        _ snapshot: HeadSnapshot,
        _ now: Timestamp,
        to head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        into response: inout ImmediateResponse
    ) -> Bool {
        let status = snapshot.metadata.status
        let outcome = Preconditions.evaluate(head, in: buffer, status: status, stored: snapshot.validators, now: now)
        if outcome == .notModified {
            response.output.append(statusLine: 304)
            response.output.append(contentsOf: snapshot.serializedNotModified)
            finish(&response.output, snapshot, now)
            return true
        }
        var answerStatus = status
        var contentRange: ContentRange?
        var found: (body: BodyChunk?, count: Int64)?
        // RFC 9110 section 14.2: Range is defined for GET alone.
        if head.method == .get, head.present.contains(.range), status == 200,
            Preconditions.rangeApplies(head, in: buffer, stored: snapshot.validators, now: now)
        {
            guard !snapshot.metadata.fields.contains(.contentRange), let length = stored.withBody({ $0.length }),
                let range = onlyRange(head, buffer, length)
            else {
                return false
            }
            found = chunk(stored, range)
            answerStatus = 206
            contentRange = ContentRange(range: range, completeLength: length)
        } else {
            found = chunk(stored, nil)
        }
        guard let (body, count) = found else { return false }
        response.output.append(statusLine: answerStatus)
        response.output.append(contentsOf: snapshot.serialized)
        if let contentRange {
            response.output.append(text: "Content-Range: ")
            contentRange.write(into: &response.output)
            response.output.append(text: "\r\n")
        }
        if !StatusCode.isBodyless(status) {
            response.output.append(text: "Content-Length: ")
            response.output.append(decimal: count)
            response.output.append(text: "\r\n")
        }
        finish(&response.output, snapshot, now)
        if head.method == .get, !StatusCode.isBodyless(status) { response.body = body }
        return true
    }

    /// The fields that differ from hit to hit, behind those that do not.
    private func finish(_ output: inout [UInt8], _ snapshot: HeadSnapshot, _ now: Timestamp) {
        output.append(text: "Age: ")
        output.append(decimal: snapshot.freshness.age(at: now))
        output.append(contentsOf: hitFields)
        output.append(decimal: snapshot.freshness.remaining(at: now))
        output.append(text: "\r\n")
    }

    /// The one range that is asked for; nil if there are several, none that can be served, or none at all.
    private func onlyRange(_ head: borrowing RequestHead, _ buffer: Span<UInt8>, _ length: Int64) -> Range<Int64>? {
        guard !head.isRepeated(.range), let line = head.firstLine(.range),
            let specs = ByteRange.parseRange(buffer.extracting(line.value), specsMax: 1)
        else { return nil }
        return specs.first?.resolve(length: length)
    }

    /// The octets of a range, or of all, if they are in memory or in one open file; nil if they are not.
    private func chunk(_ stored: StoredResponse, _ range: Range<Int64>?) -> (body: BodyChunk?, count: Int64)? {
        let segmentBytes = configuration.body.segmentBytes
        let (wanted, inline, evictions): (Range<Int64>?, [UInt8]?, Int) = stored.withBody { body in
            guard let wanted = range ?? body.length.map({ 0..<$0 }), body.extents.contains(wanted) else {
                return (nil, nil, 0)
            }
            if case .inline(let bytes) = body.storage { return (wanted, bytes, 0) }
            return (wanted, nil, body.evictions)
        }
        guard let wanted else { return nil }
        let count = Int64(wanted.count)
        guard count > 0 else { return (nil, 0) }
        if let inline { return (.bytes(inline[Int(wanted.lowerBound)..<Int(wanted.upperBound)]), count) }
        guard wanted.lowerBound / segmentBytes == (wanted.upperBound - 1) / segmentBytes,
            let region = stored.openRegion(
                offset: wanted.lowerBound,
                count: count,
                segmentBytes: segmentBytes,
                since: evictions
            )
        else { return nil }
        return (.file(region), count)
    }
}

extension [UInt8] {
    /// Appends `HTTP/1.1`, the status and its reason phrase, with CRLF.
    fileprivate mutating func append(statusLine status: Int) {
        append(text: "HTTP/1.1 ")
        append(decimal: Int64(status))
        append(text: " ")
        append(text: StatusCode.reasonPhrase(status))
        append(text: "\r\n")
    }

    /// Appends constant text.
    fileprivate mutating func append(text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }
}
