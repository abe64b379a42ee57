// Plain messages: welcome from curl and from whoever cannot seal, not from web pages.

import HTTP
import PeerIdentity
import Synchronization

extension ChatListener {
    private static let plainMax = 16 * 1024

    /// Takes a plain text: shown as not encrypted, its sender a mere claim (field `From`: a name, percent-encoded as in
    /// a path) or the address it came from.
    func respond(toPlain request: Request) async throws -> Response {
        guard request.fields["origin"] == nil, ownHosts.contain(authority: request.authority) else {
            return refuse(request, ListenerAnswer.fromElsewhere)
        }
        let address = AddressBlock(remoteAddress: request.remoteAddress)
        let allowed = budget.withLock { $0.plainText(from: address, at: now()) }
        if case .refused(let seconds) = allowed {
            return refuse(request, ListenerAnswer.tooMany(retryAfter: seconds))
        }
        guard let octets = try await collect(request, upTo: ChatListener.plainMax) else {
            return refuse(request, ListenerAnswer.tooLarge("16 KiB"))
        }
        guard var text = String(validating: octets, as: UTF8.self) else {
            return ListenerAnswer.refusal(400, "A plain message is UTF-8.")
        }
        while text.last?.isNewline == true { text.removeLast() }
        guard !text.isEmpty else { return ListenerAnswer.refusal(400, "The message is empty.") }
        let name = claimedName(request.fields) ?? ChatListener.host(of: request.remoteAddress)
        do {
            _ = try await inbox.deliver(.plain(text: text, name: name, address: address))
            return Response(status: 200, text: "received")
        } catch {
            return try answer(to: error)
        }
    }

    /// The name in `From`, if it is one; what else stands there is not shown to anybody.
    private func claimedName(_ fields: Fields) -> String? {
        guard let value = fields["from"] else { return nil }
        // No name: then the address is shown.
        return (try? PeerIdentifier(pathSegment: value))?.text
    }

    /// The address without its port.
    private static func host(of remoteAddress: String?) -> String {
        guard let remoteAddress, let colon = remoteAddress.lastIndex(of: ":") else { return "unknown" }
        return String(remoteAddress[..<colon])
    }
}
