// Registering, staying and leaving: what a registry answers to a peer's own requests.

import HTTP
package import PeerIdentity

/// What a registry answers to a record or a sign of life.
package enum RegistrationAnswer: Sendable, Hashable {
    /// Present for another `ttl`; the lease key, if the registry gives one.
    case accepted(leaseKey: [UInt8]?)
    /// 401, 404: the registry wants the record.
    case recordWanted
    /// 409: the name is held by another key; the registry's words.
    case nameTaken(String)
    /// 409: the registry has seen a record of ours with this `seq`, if it says which.
    case sequenceTooLow(UInt64?)
    /// Any other refusal, as a sentence.
    case refused(String)
}

extension RegistryClient {
    /// Registers `signed` (a PUT of its compact form).
    package func register(_ signed: SignedPeerRecord) async throws(ChatError) -> RegistrationAnswer {
        try await put(signed.record.identifier, ["Content-Type": "application/jwt"], body: signed.compact)
    }

    /// Gives a sign of life (an empty PUT with Peer-Renew).
    package func renew(_ peer: PeerIdentifier, _ renewal: PeerRenewal) async throws(ChatError) -> RegistrationAnswer {
        try await put(peer, ["Peer-Renew": renewal.fieldValue])
    }

    /// Deregisters with a signed `peer-leave+jwt`; that the peer was not there any more is as good.
    package func leave(_ peer: PeerIdentifier, _ leave: String, timeout: Duration) async throws(ChatError) {
        let fields: Fields = ["Authorization": "Peer \(leave)"]
        let reply = try await ask(.delete, "/peers/\(peer.pathSegment)", fields, timeout: timeout)
        guard reply.status == 204 || reply.status == 200 || reply.status == 404 else {
            throw unexpected(reply, "deregister \(peer)")
        }
    }

    private func put(
        _ peer: PeerIdentifier,
        _ fields: Fields,
        body: [UInt8] = []
    ) async throws(ChatError)
        -> RegistrationAnswer
    {
        let reply = try await ask(.put, "/peers/\(peer.pathSegment)", fields, body: body)
        switch reply.status {
        case 200, 201, 204:
            // A lease key that cannot be read is as none: then the record itself is sent each time.
            let key = reply.fields["Peer-Lease"].flatMap { Base64URL.decode($0) }
            return .accepted(leaseKey: key?.count == 32 ? key : nil)
        case 401, 404: return .recordWanted
        case 409: return RegistryClient.conflict(reply.reason)
        case 429, 500...: throw unexpected(reply, "register \(peer)")
        default: return .refused(unexpected(reply, "register \(peer)").message)
        }
    }

    /// Which of its two meanings a 409 has: the registry says `seq` if that is it.
    private static func conflict(_ reason: String) -> RegistrationAnswer {
        let words = reason.split { !$0.isLetter && !$0.isNumber }
        guard words.contains("seq") else { return .nameTaken(reason) }
        // "seq 5 is too low: the registry holds seq 7": the highest is the one to go above.
        let numbers = zip(words, words.dropFirst()).compactMap { $0 == "seq" ? UInt64($1) : nil }
        return .sequenceTooLow(numbers.max())
    }
}
