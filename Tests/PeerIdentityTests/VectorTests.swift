// Each test vector as this implementation takes it.

import Crypto
import JSON
import PeerIdentity
import TestSupport
import Testing

@Suite struct VectorTests {
    private static func identity(_ name: String) throws -> IdentityKey {
        try IdentityKey(rawRepresentation: octets(hexadecimal: Vectors.all["identities"]?.text(name) ?? ""))
    }

    @Test func `there are vectors of every kind`() {
        for name in [
            "records", "refusedRecords", "forgedRecords", "leaves", "refusedLeaves", "handovers", "refusedHandovers",
            "leases", "refusedRenewals", "names", "refusedNames",
        ] { #expect(!Vectors.list(name).isEmpty, "\(name)") }
    }

    @Test(arguments: Vectors.list("records"))
    func `a record is read, and signed again to the same octets`(vector: JSONValue) throws {
        let compact = Array(vector.text("compact").utf8)
        let signed = try SignedPeerRecord(parsing: compact)
        let (record, payload) = (signed.record, try #require(vector["payload"]))
        #expect(signed.compact.elementsEqual(compact))
        #expect(signed.isSignatureValid)
        #expect(record.identifier.text == payload.text("sub"))
        #expect(record.url.text == payload.text("url"))
        #expect(record.key.base64URL == payload["cnf"]?["jwk"]?.text("x"))
        #expect(Base64URL.encode(record.sealingKeys.x25519) == payload["enc"]?.text("1"))
        #expect(record.sealingKeys.xWing.map { Base64URL.encode($0) } == payload["enc"]?["2"]?.stringValue)
        #expect(Int64(record.sequence) == payload.number("seq"))
        #expect(record.issuedAt == payload.number("iat"))
        #expect(record.expiresAt == payload.number("exp"))
        #expect(Int64(record.ttlSeconds) == payload.number("ttl"))
        #expect(record.handover == payload["prev"]?.stringValue)
        #expect(try record.signed(by: Self.identity("alice")) == signed)
        // What is read by a reader of its own is what JSON reads.
        let middle = compact.split(separator: UInt8(ascii: "."))[1]
        let octets = try #require(Base64URL.decode(middle))
        #expect(try JSONValue(parsing: octets) == payload)
        #expect(payload.canonical.elementsEqual(octets))
    }

    @Test(arguments: Vectors.list("refusedRecords"))
    func `a record that breaks one rule is refused`(vector: JSONValue) {
        let code = PeerIdentityError.code { _ = try SignedPeerRecord(parsing: vector.text("compact").utf8) }
        #expect(code?.rawValue == vector.text("code"), "\(vector.text("name"))")
    }

    @Test(arguments: Vectors.list("forgedRecords"))
    func `a record that its key did not sign is not valid`(vector: JSONValue) throws {
        let signed = try SignedPeerRecord(parsing: vector.text("compact").utf8)
        #expect(!signed.isSignatureValid, "\(vector.text("name"))")
    }

    @Test(arguments: Vectors.list("leaves"))
    func `a leave is read, and signed again to the same octets`(vector: JSONValue) throws {
        let signed = try PeerLeave.parse(vector.text("compact").utf8)
        let payload = try #require(vector["payload"])
        #expect(signed.payload.identifier.text == payload.text("sub"))
        #expect(Int64(signed.payload.sequence) == payload.number("seq"))
        #expect(signed.payload.expiresAt == payload.number("exp"))
        #expect(signed.compact == vector.text("compact"))
        let identity = try Self.identity("alice")
        #expect(signed.isSignatureValid(by: identity.publicKey))
        #expect(try !signed.isSignatureValid(by: Self.identity("old").publicKey))
        #expect(try signed.payload.signed(by: identity) == signed.compact)
    }

    @Test(arguments: Vectors.list("handovers"))
    func `a handover is read, and signed again to the same octets`(vector: JSONValue) throws {
        let signed = try PeerHandover.parse(vector.text("compact").utf8)
        let payload = try #require(vector["payload"])
        #expect(signed.payload.identifier.text == payload.text("sub"))
        #expect(Int64(signed.payload.sequence) == payload.number("seq"))
        #expect(signed.payload.newKey.base64URL == payload.text("x"))
        let old = try Self.identity("old")
        #expect(signed.isSignatureValid(by: old.publicKey))
        #expect(try !signed.isSignatureValid(by: Self.identity("alice").publicKey))
        #expect(try signed.payload.signed(by: old) == vector.text("compact"))
    }

    @Test(arguments: Vectors.texts("refusedLeaves"))
    func `what is no leave is refused`(text: String) {
        #expect(throws: PeerIdentityError.self) { try PeerLeave.parse(text.utf8) }
    }

    @Test(arguments: Vectors.texts("refusedHandovers"))
    func `what is no handover is refused`(text: String) {
        #expect(throws: PeerIdentityError.self) { try PeerHandover.parse(text.utf8) }
    }

    @Test(arguments: Vectors.list("leases"))
    func `a lease key and a renewal come out the same`(vector: JSONValue) throws {
        let identifier = try PeerIdentifier(vector.text("id"))
        let key = try #require(PeerKey(base64URL: vector.text("key")))
        let (sequence, counter) = (UInt64(vector.number("seq")), try #require(UInt64(vector.text("n"))))
        let secret = octets(hexadecimal: vector.text("secret"))
        let lease = Lease.key(secret: secret, identifier: identifier, key: key, sequence: sequence)
        #expect(Base64URL.encode(lease) == vector.text("lease"))
        let renewal = PeerRenewal.make(leaseKey: lease, identifier: identifier, sequence: sequence, counter: counter)
        #expect(renewal.fieldValue == vector.text("renewal"))
        #expect(PeerRenewal(parsing: vector.text("renewal").utf8) == renewal)
        #expect(renewal.isValid(leaseKey: lease, identifier: identifier))
    }

    @Test(arguments: [("Alice", true), ("alice", true), ("ALICE", false), ("Alicf", false)])
    func `a renewal is valid with the name as its peer writes it, and folded`(name: String, isValid: Bool) throws {
        let leaseKey = [UInt8](repeating: 5, count: 32)
        let numbers: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9]
        let message = Array("renew\u{0}\(name)\u{0}".utf8) + numbers
        let mac = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: leaseKey))
        let renewal = PeerRenewal(sequence: 3, counter: 9, mac: Array(mac))
        #expect(renewal.isValid(leaseKey: leaseKey, identifier: try PeerIdentifier("Alice")) == isValid)
    }

    @Test(arguments: Vectors.texts("refusedRenewals"))
    func `what is no renewal is refused`(text: String) {
        #expect(PeerRenewal(parsing: text.utf8) == nil)
    }

    @Test(arguments: Vectors.list("names"))
    func `a name is folded and encoded`(vector: JSONValue) throws {
        let identifier = try PeerIdentifier(vector.text("text"))
        #expect(identifier.text.utf8.elementsEqual(vector.text("text").utf8))
        #expect(identifier.folded.utf8.elementsEqual(vector.text("folded").utf8))
        #expect(identifier.pathSegment == vector.text("path"))
        let decoded = try PeerIdentifier(pathSegment: vector.text("path").utf8)
        #expect(decoded.text.utf8.elementsEqual(identifier.text.utf8))
    }

    @Test(arguments: Vectors.texts("refusedNames"))
    func `what is no name is refused`(text: String) {
        #expect(PeerIdentityError.code { _ = try PeerIdentifier(text) } == .badIdentifier)
    }

    @Test(.enabled(if: Vectors.canCheck, Vectors.reason))
    func `a second implementation makes the same vectors and judges them alike`() async throws {
        let outcome = try await RunningProcess.run(["python3", Vectors.script, "check", Vectors.path])
        #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    }
}
