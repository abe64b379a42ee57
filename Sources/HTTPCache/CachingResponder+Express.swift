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
        let (prefix, range) = upstream.pieces(for: target)
        let rest = target.extracting(range)
        let hash = prefix.hash(followedBy: rest)
        let now = now()
        if head.method == .get, head.present.isDisjoint(with: unprepared), let hit = table.prepared(hash) {
            if hit.answers(prefix, followedBy: rest, into: &response, marks: hitFields, at: now) {
                note(hit.stored, in: &response)
                return true
            }
        }
        return answer(table.variants(of: prefix, followedBy: rest, hash), now, to: head, in: buffer, into: &response)
    }

    /// Answers from that one of `variants` which the request selects, if it is fresh and at hand.
    @inline(never)  // It is not the common way, and all of it in one function makes the optimiser of Swift 6.3.1 fail.
    private func answer(
        _ variants: [StoredResponse],
        _ now: Timestamp,
        to head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        into response: inout ImmediateResponse
    ) -> Bool {
        for stored in variants {
            let version = stored.version
            let snapshot = stored.currentHead
            guard snapshot.isSelected(by: head, in: buffer) else { continue }
            let freshness = snapshot.freshness
            guard freshness.isFresh(at: now), !freshness.flags.contains(.alwaysValidate),
                write(stored, snapshot, now, to: head, in: buffer, into: &response)
            else { return false }
            note(stored, in: &response)
            if variants.count == 1 { prepare(stored, snapshot, version) }
            return true
        }
        return false
    }

    private func note(_ stored: StoredResponse, in response: inout ImmediateResponse) {
        response.outcome = .hit
        stored.markUsed()
        metrics.hits.add(1, ordering: .relaxed)
    }

    /// Makes the hits to come cheaper than this one, if they are all answered with the same body.
    private func prepare(_ stored: StoredResponse, _ snapshot: HeadSnapshot, _ version: UInt32) {
        let status = snapshot.metadata.status
        guard case .names(let names) = snapshot.vary, names.isEmpty, !StatusCode.isBodyless(status),
            let body = stored.withBody({ $0.completeInline })
        else { return }
        var lines: [UInt8] = []
        writeHead(snapshot, status, nil, Int64(body.count), to: &lines)
        table.prepare(PreparedHit(stored, snapshot, version: version, head: lines, body: body))
    }

    @inline(never)
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
            response.output.append(text: "Age: ")
            finish(&response, snapshot, now)
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
        writeHead(snapshot, answerStatus, contentRange, count, to: &response.output)
        finish(&response, snapshot, now)
        if head.method == .get, !StatusCode.isBodyless(status) { response.body = body }
        return true
    }

    /// Status line and field lines up to those that differ from hit to hit.
    private func writeHead(
        _ snapshot: HeadSnapshot,
        _ status: Int,
        _ contentRange: ContentRange?,
        _ count: Int64,
        to output: inout [UInt8]
    ) {
        output.append(statusLine: status)
        output.append(contentsOf: snapshot.serialized)
        if let contentRange {
            output.append(text: "Content-Range: ")
            contentRange.write(into: &output)
            output.append(text: "\r\n")
        }
        if !StatusCode.isBodyless(status) {
            output.append(text: "Content-Length: ")
            output.append(decimal: count)
            output.append(text: "\r\n")
        }
        output.append(text: "Age: ")
    }

    /// The values that differ from hit to hit, from Age's on.
    private func finish(_ response: inout ImmediateResponse, _ snapshot: HeadSnapshot, _ now: Timestamp) {
        response.output.append(decimal: snapshot.freshness.age(at: now))
        response.output.append(contentsOf: hitFields)
        response.output.append(decimal: snapshot.freshness.remaining(at: now))
        response.output.append(text: "\r\n")
        response.isDated = snapshot.isDated
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
