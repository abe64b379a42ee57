// Speaks the registry's protocol: asks, and believes only what can be checked.

package import HTTP
package import PeerIdentity

/// What a registry says about a name.
package enum RegistryEntry: Sendable, Hashable {
    /// The peer's own record, of the name asked for and with a valid signature; its times are the reader's to judge.
    case signed(SignedPeerRecord)
    /// Only at an open registry: a URL for which nobody signed.
    case plain(PeerURL)
}

/// An answer about one name.
package struct RegistryLookUp: Sendable, Hashable {
    /// Nil: the registry holds no such peer now.
    package var entry: RegistryEntry?
    /// `max-age` of the answer: how long the registry's word on presence may be kept.
    package var maxAgeSeconds: Int64
    /// What the registry says to a name that it does not hold, such as nearest names; printable, perhaps empty.
    package var remark: String

    package init(entry: RegistryEntry?, maxAgeSeconds: Int64, remark: String = "") {
        (self.entry, self.maxAgeSeconds, self.remark) = (entry, maxAgeSeconds, remark)
    }
}

/// A client of one registry over any responder.
///
/// Every answer is bounded in size and time. All methods throw ``ChatError``: `registryAway` if there was no answer, or
/// one that says to come again (429, 5xx); `badAnswer` if there was one that the protocol does not allow.
package struct RegistryClient: Sendable {
    /// Where the registry is; a path in it comes in front of the protocol's.
    package let base: PeerURL
    let responder: any Responder
    let clock: any Clock<Duration>
    let configuration: RegistryClientConfiguration

    /// An answer that was read whole.
    struct Reply: Sendable {
        var status: Int
        var fields: Fields
        var octets: [UInt8]

        /// The media type in lower case, without parameters.
        var mediaType: String {
            let value = fields.text(.contentType) ?? ""
            return value.prefix { $0 != ";" }.trimmingSpaces.lowercased()
        }

        /// The answer's own words, fit to be shown; empty if it has none.
        var reason: String { RegistryClient.printable(octets) }
    }

    /// A client of the registry at `base`.
    ///
    /// - Parameters:
    ///   - base: Where the registry is.
    ///   - responder: Sends the requests.
    ///   - clock: Bounds the wait for answers.
    ///   - configuration: Limits.
    package init(
        base: PeerURL,
        responder: any Responder,
        clock: any Clock<Duration>,
        configuration: RegistryClientConfiguration = RegistryClientConfiguration()
    ) {
        (self.base, self.responder, self.clock, self.configuration) = (base, responder, clock, configuration)
    }

    // MARK: Looking up

    /// What the registry holds of `peer`.
    package func lookUp(_ peer: PeerIdentifier) async throws(ChatError) -> RegistryLookUp {
        let target = "/peers/\(peer.pathSegment)"
        var reply = try await ask(.get, target, ["Accept": "application/jwt, text/plain;q=0.5"])
        // A registry that has no record of a plain peer may say so by 406 instead of the URL.
        if reply.status == 406 { reply = try await ask(.get, target, ["Accept": "text/plain"]) }
        let maxAgeSeconds = CacheControl.parse(reply.fields).maxAge ?? 0
        switch reply.status {
        case 200: return RegistryLookUp(entry: try entry(in: reply, of: peer), maxAgeSeconds: maxAgeSeconds)
        case 404: return RegistryLookUp(entry: nil, maxAgeSeconds: maxAgeSeconds, remark: reply.reason)
        default: throw unexpected(reply, "look up \(peer)")
        }
    }

    private func entry(in reply: Reply, of peer: PeerIdentifier) throws(ChatError) -> RegistryEntry {
        switch reply.mediaType {
        case "application/jwt":
            return .signed(try record(reply.octets, of: peer))
        case "text/plain":
            do throws(PeerIdentityError) {
                return .plain(try PeerURL(String(decoding: reply.octets, as: UTF8.self).trimmingSpaces))
            } catch {
                throw badAnswer("the URL that it gives for \(peer) cannot be used: \(error.message)")
            }
        default:
            throw badAnswer("what it says about \(peer) is neither a record nor a URL")
        }
    }

    /// Reads a record and checks all that needs no clock: its form, whose it is, the signature.
    func record(_ octets: [UInt8], of peer: PeerIdentifier) throws(ChatError) -> SignedPeerRecord {
        let signed: SignedPeerRecord
        do throws(PeerIdentityError) {
            signed = try SignedPeerRecord(parsing: octets)
        } catch {
            throw badAnswer("its record of \(peer) cannot be used: \(error.message)")
        }
        guard signed.record.identifier == peer else {
            throw badAnswer("for \(peer) it gives the record of \(signed.record.identifier)")
        }
        guard signed.isSignatureValid else {
            throw badAnswer("its record of \(peer) is forged: the signature is wrong")
        }
        return signed
    }

    // MARK: Asking

    /// Sends a request and reads the whole answer.
    func ask(
        _ method: Method,
        _ target: String,
        _ fields: Fields,
        body: [UInt8] = [],
        bytesMax: Int? = nil,
        timeout: Duration? = nil
    ) async throws(ChatError) -> Reply {
        let request = request(method, target, fields, body: body)
        let bytesMax = bytesMax ?? configuration.answerBytesMax
        let reply: Reply?
        do {
            reply = try await within(timeout ?? configuration.answerTimeout, clock) { [responder] in
                let response = try await responder.respond(to: request)
                let octets = try await response.body.collect(upTo: bytesMax)
                return Reply(status: response.status, fields: response.fields, octets: octets)
            }
        } catch BodyError.tooLong {
            throw badAnswer("an answer of it is longer than \(bytesMax) bytes")
        } catch let failure as any GatewayFailure {
            throw away(RegistryAway.words(for: failure))
        } catch {
            throw away("\(error)")
        }
        guard let reply else { throw away("it does not answer in time") }
        return reply
    }

    func request(_ method: Method, _ target: String, _ fields: Fields, body: [UInt8] = []) -> Request {
        let prefix = base.path.hasSuffix("/") ? base.path.dropLast() : base.path[...]
        return Request(
            method: method,
            scheme: base.scheme,
            authority: base.authority,
            target: Array(prefix.utf8) + Array(target.utf8),
            fields: fields,
            body: Body(body)
        )
    }

    // MARK: Failing

    func away(_ reason: String) -> ChatError {
        ChatError(.registryAway, "the registry at \(base) cannot be asked: \(reason)")
    }

    func badAnswer(_ reason: String) -> ChatError {
        ChatError(.badAnswer, "the registry at \(base) is not to be believed: \(reason)")
    }

    /// The error for a status that `attempt` has no other use for.
    func unexpected(_ reply: Reply, _ attempt: String) -> ChatError {
        let words = reply.reason.isEmpty ? "" : ": \(reply.reason)"
        guard reply.status != 429, reply.status < 500 else {
            return away("it is too busy to \(attempt), status \(reply.status)\(words)")
        }
        return ChatError(.badAnswer, "the registry at \(base) refused to \(attempt), status \(reply.status)\(words)")
    }

    /// The beginning of a text from elsewhere as one line without anything that could act on a terminal.
    static func printable(_ octets: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        for scalar in String(decoding: octets.prefix(1_024), as: UTF8.self).unicodeScalars {
            guard text.count < 200 else { break }
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: text.append(" ")
            case .format, .surrogate, .privateUse, .unassigned: break
            default: text.append(scalar)
            }
        }
        return String(text).trimmingSpaces
    }
}

extension StringProtocol {
    /// Without white space at its ends.
    var trimmingSpaces: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}
