// Lists of peers: who is present, and where several are.

import HTTP
import JSON
package import PeerIdentity

/// One page of the registry's listing.
package struct RegistryPage: Sendable, Hashable {
    /// Present peers in order of folded name.
    package var peers: [PeerIdentifier]
    /// After whom the next page begins; nil: there is none.
    package var next: PeerIdentifier?

    package init(peers: [PeerIdentifier], next: PeerIdentifier?) {
        (self.peers, self.next) = (peers, next)
    }
}

extension RegistryClient {
    /// A page of who is present, after `last`.
    ///
    /// - Returns: The page; nil if this registry lists nobody (`--public`).
    /// - Throws: ``ChatError``: `registryAway`, `badAnswer`.
    package func page(after last: PeerIdentifier?) async throws(ChatError) -> RegistryPage? {
        let limit = configuration.pageNamesMax
        let after = last.map { "after=\($0.pathSegment)&" } ?? ""
        let target = "/peers?\(after)limit=\(limit)"
        let reply = try await ask(
            .get,
            target,
            ["Accept": "application/json"],
            bytesMax: configuration.pageBytesMax
        )
        switch reply.status {
        case 200: return try page(reply, limit: limit)
        case 401, 403, 404, 405: return nil
        default: throw unexpected(reply, "list its peers")
        }
    }

    /// Where the peers named are, by folded name; those that the registry does not hold are left out.
    ///
    /// The registry's bare word, which nobody signed: fit to be shown, not to be written to.
    ///
    /// - Returns: URLs by folded name; nil if this registry answers no batch.
    /// - Throws: ``ChatError``: `registryAway`, `badAnswer`.
    package func urls(of peers: [PeerIdentifier]) async throws(ChatError) -> [String: PeerURL]? {
        guard !peers.isEmpty else { return [:] }
        let ids = peers.prefix(configuration.pageNamesMax).map(\.pathSegment).joined(separator: ",")
        let reply = try await ask(
            .get,
            "/peers?ids=\(ids)",
            ["Accept": "application/json"],
            bytesMax: configuration.pageBytesMax
        )
        switch reply.status {
        case 200: break
        case 401, 403, 404, 405: return nil
        default: throw unexpected(reply, "look up several peers")
        }
        guard let members = try json(reply, "its batch").objectValue?.members else {
            throw badAnswer("its batch is no object")
        }
        let asked = Set(peers.map(\.folded))
        var urls: [String: PeerURL] = [:]
        for member in members {
            // What is not an identifier, was not asked for or is no URL is nothing that could be used.
            guard let peer = try? PeerIdentifier(member.name), asked.contains(peer.folded),
                let text = member.value.stringValue, let url = try? PeerURL(text)
            else { continue }
            urls[peer.folded] = url
        }
        return urls
    }

    private func page(_ reply: Reply, limit: Int) throws(ChatError) -> RegistryPage {
        let value = try json(reply, "its list")
        guard let entries = value["peers"]?.arrayValue, entries.count <= limit else {
            throw badAnswer("its list of peers is none")
        }
        var peers: [PeerIdentifier] = []
        for entry in entries {
            // A name that this version of the rules does not know is left out.
            guard let text = entry["id"]?.stringValue, let peer = try? PeerIdentifier(text) else { continue }
            peers.append(peer)
        }
        // A page that leads nowhere is the last.
        let next = value["next"]?.stringValue.flatMap { try? PeerIdentifier($0) }
        return RegistryPage(peers: peers, next: next)
    }

    private func json(_ reply: Reply, _ what: String) throws(ChatError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: reply.octets)
        } catch {
            throw badAnswer("\(what) is not JSON: \(error)")
        }
    }
}
