// A peer that is nothing but a key: signs records that tests register by curl.

import Foundation
import PeerIdentity
import TestSupport

/// Who has a name, as far as a registry can tell.
struct SignedPeer: Sendable {
    let identifier: PeerIdentifier
    let identity: IdentityKey

    /// A peer with a new key.
    init(_ name: String) throws {
        (identifier, identity) = (try PeerIdentifier(name), IdentityKey())
    }

    /// The peer whose client keeps its state below `home`.
    init(_ name: String, stateIn home: String) throws {
        let file = "\(home)/waystation/client/\(name)/identity"
        let words = try String(contentsOfFile: file, encoding: .utf8).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let seed = Base64URL.decode(words[1].utf8) else {
            throw RunningProcess.Failure("\(file) holds no identity")
        }
        (identifier, identity) = (try PeerIdentifier(name), try IdentityKey(rawRepresentation: seed))
    }

    /// A record of now.
    ///
    /// - Parameters:
    ///   - sequence: Its `seq`.
    ///   - url: Where the peer says that it listens.
    ///   - keys: To seal to; nil: some that nobody can open.
    ///   - issuedAgo: Seconds since its `iat`.
    ///   - lifetime: Seconds from `iat` to `exp`.
    ///   - ttl: Its `ttl`.
    /// - Returns: The record, signed.
    /// - Throws: What the crypto library throws.
    func record(
        _ sequence: UInt64,
        url: String = "http://127.0.0.1:9/",
        keys: SealingKeySet? = nil,
        issuedAgo: Int64 = 0,
        lifetime: Int64 = 3_600,
        ttl: Int = 3_600
    ) throws -> SignedPeerRecord {
        let issuedAt = Int64(Date().timeIntervalSince1970) - issuedAgo
        return try PeerRecord(
            identifier: identifier,
            url: try PeerURL(url),
            key: identity.publicKey,
            sealingKeys: keys ?? SealingKeySet(x25519: [9] + [UInt8](repeating: 7, count: 31), xWing: nil),
            sequence: sequence,
            issuedAt: issuedAt,
            expiresAt: issuedAt + lifetime,
            ttlSeconds: ttl
        ).signed(by: identity)
    }

    /// Registers `record` by curl, under its own name or another.
    static func put(_ record: SignedPeerRecord, at base: String, as name: String? = nil) async throws -> CurlAnswer {
        try await put(
            String(decoding: record.compact, as: UTF8.self),
            at: base,
            as: name ?? record.record.identifier.text
        )
    }

    /// Registers what was captured.
    static func put(_ compact: String, at base: String, as name: String) async throws -> CurlAnswer {
        try await CurlAnswer.of(
            "-X",
            "PUT",
            "-H",
            "Content-Type: application/jwt",
            "--data-binary",
            compact,
            "\(base)/peers/\(name)"
        )
    }

    /// The record that the registry gives out for `name`.
    static func captured(_ name: String, at base: String) async throws -> String {
        let answer = try await CurlAnswer.of("-H", "Accept: application/jwt", "\(base)/peers/\(name)")
        guard answer.status == 200, answer.contentType == "application/jwt" else {
            throw RunningProcess.Failure("no record of \(name): \(answer)")
        }
        return answer.body
    }
}
