// A request head made by hand, for the express lane.

import HTTP
import PeerRegistry

/// Asks a responder's express lane.
enum ExpressRequest {
    /// What it answers, head and body; nil: it takes the long way.
    static func send(
        _ method: String,
        _ target: String,
        _ fields: [(String, String)] = [],
        to responder: RegistryResponder
    ) -> (head: String, body: [UInt8]?)? {
        var buffer: [UInt8] = []
        var head = RequestHead()
        func append(_ text: String) -> Range<Int> {
            let start = buffer.count
            buffer.append(contentsOf: text.utf8)
            return start..<buffer.count
        }
        head.method = method == "GET" ? .get : method == "HEAD" ? .head : .other
        head.methodRange = append(method)
        _ = append(" ")
        head.target = append(target)
        _ = append(" HTTP/1.1\r\n")
        for (name, value) in fields {
            let nameRange = append(name)
            _ = append(": ")
            let valueRange = append(value)
            _ = append("\r\n")
            let known = KnownField(name: buffer[nameRange].span)
            head.lines.append(Fields.Line(name: nameRange, value: valueRange, known: known))
            head.present.insert(known)
        }
        var response = ImmediateResponse()
        guard responder.respondImmediately(to: head, in: buffer.span, into: &response) else { return nil }
        var body: [UInt8]?
        if case .bytes(let bytes)? = response.body { body = Array(bytes) }
        return (String(decoding: response.output, as: UTF8.self), body)
    }
}
