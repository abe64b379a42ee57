// The express lane: look-ups of what is in memory, and renewals, answered on the event loop.

package import HTTP
import PeerIdentity
import Synchronization

extension RegistryResponder {
    /// Answers GET and HEAD of a present peer, and PUT with a right Peer-Renew; everything else takes the long way.
    package func respondImmediately(
        to head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        into response: inout ImmediateResponse
    ) -> Bool {
        guard registry.image != nil else { return false }
        let target = buffer.extracting(head.target)
        let prefix = Target.peerPrefix
        guard target.count > prefix.count, target.extracting(..<prefix.count).equals(prefix.span),
            let name = RegistryResponder.foldedName(target.extracting(prefix.count...))
        else { return false }
        guard head.method == .other else { return lookUp(name, head, buffer, &response) }
        guard buffer.extracting(head.methodRange).equals(RegistryResponder.put.span) else { return false }
        return renew(name, head, buffer, &response)
    }

    private func lookUp(
        _ name: [UInt8],
        _ head: borrowing RequestHead,
        _ buffer: Span<UInt8>,
        _ response: inout ImmediateResponse
    ) -> Bool {
        let now = registry.now()
        guard let entry = registry.image?.packedEntry(name.span), entry.isPresent, entry.presentUntil > now else {
            return false
        }
        var form = Representation.url
        if head.present.contains(.accept) {
            var accepted = AcceptedForms()
            for line in head.lines where line.known == .accept { accepted.add(buffer.extracting(line.value)) }
            form = accepted.best(hasRecord: entry.content.isSigned)
        }
        let answer = LookUpAnswer(
            entry,
            as: form,
            now: now,
            maxAgeSeconds: configuration.maxAgeSeconds,
            prepared: prepared
        )
        guard let answer else { return false }
        var isNotModified = false
        if head.present.contains(.ifNoneMatch) {
            for line in head.lines where line.known == .ifNoneMatch {
                if answer.isNamed(by: buffer.extracting(line.value)) { isNotModified = true }
            }
        }
        answer.writeHead(isNotModified: isNotModified, into: &response.output)
        if head.method == .get, !isNotModified { response.body = .bytes(answer.body) }
        registry.metrics.lookups.add(1, ordering: .relaxed)
        return true
    }

    private func renew(
        _ name: [UInt8],
        _ head: borrowing RequestHead,
        _ buffer: Span<UInt8>,
        _ response: inout ImmediateResponse
    ) -> Bool {
        var field: Range<Int>?
        for line in head.lines where line.known == .other {
            guard buffer.extracting(line.name).equalsIgnoringCase("peer-renew") else { continue }
            guard field == nil else { return false }
            field = line.value
        }
        guard let field, let renewal = PeerRenewal(parsing: buffer.extracting(field).array),
            registry.renewImmediately(name.span, renewal)
        else { return false }
        response.output.append(text: "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n")
        return true
    }

    /// The folded name that a path segment gives; nil if it is not that of a name, or not the end of the target.
    ///
    /// ASCII letters, digits, `-`, `_` and `.` stand for themselves; for the rest the rules of names are asked.
    static func foldedName(_ segment: Span<UInt8>) -> [UInt8]? {
        guard segment.count <= 3 * 128 else { return nil }
        var name: [UInt8] = []
        name.reserveCapacity(segment.count)
        for index in 0..<segment.count {
            let octet = segment[index]
            let isPlain = Octet.isDigit(octet) || (octet | 0x20) &- 0x61 < 26 || octet &- 0x2d < 2 || octet == 0x5f
            guard isPlain else {
                guard octet == 0x25 || octet >= 0x80 else { return nil }
                // A name that is none is refused on the long way.
                guard let identifier = try? PeerIdentifier(pathSegment: segment.array), !segment.hasQuery else {
                    return nil
                }
                return Array(identifier.folded.utf8)
            }
            name.append(Octet.lowercased(octet))
        }
        return name
    }

    private static let put = Array("PUT".utf8)
}

extension Span<UInt8> {
    /// Whether a question mark is among the octets.
    fileprivate var hasQuery: Bool {
        for index in 0..<count where self[index] == 0x3f { return true }
        return false
    }
}
