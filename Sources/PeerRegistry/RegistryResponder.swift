// The registry's HTTP: which request is which, and what everybody is told.

package import HTTP
import PeerIdentity
import Synchronization

/// Answers the requests of `peers.md`: registration, look-up, leave, batch, listing and changes.
///
/// Look-ups and renewals are answered on the express lane where the store is at hand.
package struct RegistryResponder: Responder {
    package let registry: Registry
    let prepared: PreparedRecords

    package init(_ registry: Registry) {
        self.registry = registry
        prepared = PreparedRecords(recordsMax: registry.configuration.preparedMax)
    }

    var configuration: RegistryConfiguration { registry.configuration }

    package func respond(to request: Request) async throws -> Response {
        do {
            return try await answer(request)
        } catch let refusal as Refusal {
            return RegistryResponder.refused(refusal)
        } catch let error as RegistryError {
            // What is beneath it is the operator's, who was told.
            var response = RegistryResponder.refused(Refusal(503, "\(error.message): try again"))
            response.fields.append("Retry-After", "1")
            return response
        }
    }

    private func answer(_ request: Request) async throws -> Response {
        let isGet = request.method == .get || request.method == .head
        switch Target(request.target) {
        case .help:
            guard isGet else { return notAllowed("GET, HEAD") }
            return Response(status: 200, text: help)
        case .peer(let segment):
            let identifier = try RegistryResponder.identifier(segment)
            switch request.method {
            case .get, .head: return try await lookUp(identifier, request)
            case .put: return try await put(identifier, request)
            case .delete: return try await delete(identifier, request)
            default: return notAllowed("GET, HEAD, PUT, DELETE")
            }
        case .peers(let query):
            guard isGet else { return notAllowed("GET, HEAD") }
            return try await list(query)
        case .changes(let query):
            guard isGet else { return notAllowed("GET, HEAD") }
            return try await watch(query, request)
        case .unknown:
            return RegistryResponder.refused(Refusal(404, "there is nothing here; GET / says what there is"))
        }
    }

    /// The name that a path segment or a value in a query encodes.
    static func identifier(_ encoded: ArraySlice<UInt8>) throws(Refusal) -> PeerIdentifier {
        do {
            return try PeerIdentifier(pathSegment: encoded)
        } catch {
            throw Refusal(400, error.message)
        }
    }

    // MARK: Look-up

    private func lookUp(_ identifier: PeerIdentifier, _ request: Request) async throws -> Response {
        let now = registry.now()
        registry.metrics.lookups.add(1, ordering: .relaxed)
        guard let entry = try await registry.entry(identifier.folded), entry.isAvailable(at: now),
            let packed = PackedEntry(entry)
        else {
            registry.metrics.misses.add(1, ordering: .relaxed)
            throw Refusal(404, try await missing(identifier, now))
        }
        var accepted = AcceptedForms()
        for value in request.fields.values(.accept) { accepted.add(value.span) }
        let answer = LookUpAnswer(
            packed,
            as: accepted.best(hasRecord: packed.content.isSigned),
            now: now,
            maxAgeSeconds: configuration.maxAgeSeconds,
            prepared: prepared
        )
        guard let answer else { throw Refusal(404, "no such peer is present") }
        let isNotModified = request.fields.values(.ifNoneMatch).contains { answer.isNamed(by: $0.span) }
        return answer.response(isNotModified: isNotModified)
    }

    /// Says that a name is not there, and unless anyone may ask, which ones are nearest.
    private func missing(_ identifier: PeerIdentifier, _ now: Timestamp) async throws(RegistryError) -> String {
        let nobody = "no peer \(identifier.text) is present"
        guard !configuration.isPublic else { return nobody }
        let nearest = try await NearestNames.find(identifier, in: registry, now: now)
        return nearest.isEmpty ? nobody : "\(nobody); nearest: \(nearest.joined(separator: ", "))"
    }

    // MARK: Refusals

    static func refused(_ refusal: Refusal) -> Response {
        var response = Response(status: refusal.status, text: refusal.message)
        response.fields.append("Cache-Control", "no-store")
        // RFC 9110 section 11.6.1.
        if refusal.status == 401 { response.fields.append("WWW-Authenticate", "Peer") }
        return response
    }

    private func notAllowed(_ methods: String) -> Response {
        // RFC 9110 section 15.5.6.
        var response = RegistryResponder.refused(Refusal(405, "this takes \(methods)"))
        response.fields.append("Allow", methods)
        return response
    }

    private var help: String {
        let plain = """
            Register without a key:  curl -T - http://REGISTRY/peers/Carol <<< http://localhost:9999
            Leave again:             curl -X DELETE http://REGISTRY/peers/Carol

            """
        return """
            This is a registry of peers: names, whose they are, and where they listen.

            \(configuration.isOpen ? plain : "")Look up:                 curl http://REGISTRY/peers/Alice
            Its signed record:       curl -H 'Accept: application/jwt' http://REGISTRY/peers/Alice
            Several:                 curl 'http://REGISTRY/peers?ids=Alice,Bob'
            Who is present:          curl http://REGISTRY/peers\(configuration.isPublic ? "   (off: this registry is public)" : "")
            Who comes and goes:      curl -N http://REGISTRY/changes

            A name belongs to the key that registers it first: PUT a record (application/jwt) to /peers/NAME.
            """
    }
}
