// PUT and DELETE: a name is registered, renewed or left.

import HTTP
import PeerIdentity

extension RegistryResponder {
    /// Registers or renews: which of them, the body and the fields say.
    func put(_ identifier: PeerIdentifier, _ request: Request) async throws -> Response {
        let octets = try await body(of: request)
        if let field = try onlyValue("Peer-Renew", of: request.fields) {
            guard octets.isEmpty else { throw Refusal(400, "a PUT with Peer-Renew has no body") }
            guard let renewal = PeerRenewal(parsing: field) else { throw Refusal(400, "Peer-Renew is not seq.n.MAC") }
            return response(to: try await registry.renew(identifier, renewal), identifier)
        }
        let client = ClientGroup(remoteAddress: request.remoteAddress)
        let type = try onlyValue("Content-Type", of: request.fields)
        switch RegistryResponder.mediaType(type) {
        case "application/jwt":
            let signed = try record(octets, of: identifier)
            return response(to: try await registry.register(signed, from: client), identifier)
        case "text/plain" where configuration.isOpen, "" where configuration.isOpen:
            let url = try RegistryResponder.url(octets)
            if let fault = PlaceRules.fault(of: url, isPublic: configuration.isPublic) { throw Refusal(400, fault) }
            return response(to: try await registry.register(identifier, at: url, from: client), identifier)
        case "" where octets.isEmpty:
            throw Refusal(400, "a PUT without a body needs Peer-Renew; a record has Content-Type: application/jwt")
        default:
            let more = configuration.isOpen ? ", or text/plain: a URL" : "; plain URLs are taken with --open only"
            throw Refusal(415, "a registration is application/jwt: a signed record\(more)")
        }
    }

    /// Ends a lease.
    func delete(_ identifier: PeerIdentifier, _ request: Request) async throws -> Response {
        let client = ClientGroup(remoteAddress: request.remoteAddress)
        guard let field = try onlyValue("Authorization", of: request.fields) else {
            return response(to: try await registry.leave(identifier, nil, from: client), identifier)
        }
        // The scheme is compared without case (RFC 9110 section 11.1).
        let scheme = field.prefix(5)
        guard field.count > 5, scheme.span.equalsIgnoringCase("peer "),
            field.count <= configuration.recordBytesMax
        else { throw Refusal(401, "Authorization is not Peer and a leave") }
        do {
            let leave = try PeerLeave.parse(field.dropFirst(5).drop { $0 == 0x20 })
            return response(to: try await registry.leave(identifier, leave, from: client), identifier)
        } catch let error as PeerIdentityError {
            throw Refusal(401, "Authorization: \(error.message)")
        }
    }

    /// All that can be checked of a record without its signature, in the order of its cost.
    private func record(_ octets: [UInt8], of identifier: PeerIdentifier) throws(Refusal) -> SignedPeerRecord {
        do throws(PeerIdentityError) {
            let signed = try SignedPeerRecord(parsing: octets)
            try signed.check(at: registry.now().seconds, for: identifier)
            if let fault = PlaceRules.fault(of: signed.record.url, isPublic: configuration.isPublic) {
                throw PeerIdentityError(.badURL, fault)
            }
            return signed
        } catch {
            throw Refusal(error)
        }
    }

    private func body(of request: Request) async throws -> [UInt8] {
        let tooLong = Refusal(413, "a registration has at most \(configuration.recordBytesMax) octets")
        if let length = request.body.length, length > Int64(configuration.recordBytesMax) {
            request.body.cancel()
            throw tooLong
        }
        do {
            return try await request.body.collect(upTo: configuration.recordBytesMax)
        } catch BodyError.tooLong {
            throw tooLong
        }
    }

    /// Type and subtype in lower case, without parameters; empty if there is none.
    private static func mediaType(_ field: ArraySlice<UInt8>?) -> String {
        guard let field else { return "" }
        let type = field.prefix { $0 != 0x3b }
        return String(decoding: type.filter { !Octet.isWhitespace($0) }.map(Octet.lowercased), as: UTF8.self)
    }

    /// The URL in a plain body, white space at its ends left out.
    private static func url(_ octets: [UInt8]) throws(Refusal) -> PeerURL {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0d).contains($0) }
        let trimmed = octets.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        // Octets that are no UTF-8 become what no URL holds.
        let text = String(decoding: Array(trimmed), as: UTF8.self)
        do {
            return try PeerURL(text)
        } catch {
            throw Refusal(400, error.message)
        }
    }

    private func response(to outcome: Registry.Outcome, _ identifier: PeerIdentifier) -> Response {
        guard outcome.status / 100 == 2 else {
            var response = RegistryResponder.refused(Refusal(outcome.status, outcome.message))
            if let seconds = outcome.retryAfterSeconds { response.fields.append("Retry-After", String(seconds)) }
            return response
        }
        guard outcome.status != 204, let until = outcome.presentUntil else { return Response(status: 204) }
        let seconds = max(0, until.secondsSince(registry.now()))
        var response = Response(status: outcome.status, text: "\(identifier.text) is present for \(seconds) s")
        if let key = outcome.leaseKey { response.fields.append("Peer-Lease", Base64URL.encode(key)) }
        response.fields.append("Cache-Control", "no-store")
        return response
    }
}
