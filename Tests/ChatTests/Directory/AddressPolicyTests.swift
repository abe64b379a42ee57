// To which addresses a stranger's URL may lead.

import Chat
import PeerIdentity
import Testing

struct AddressPolicyTests {
    static let loopback: [[UInt8]] = [[127, 0, 0, 1], [127, 9, 9, 9], [UInt8](repeating: 0, count: 15) + [1]]
    static let privates: [[UInt8]] = [
        [10, 0, 0, 1], [172, 16, 0, 1], [192, 168, 1, 1], [0xfd] + [UInt8](repeating: 1, count: 15),
    ]
    static let publics: [[UInt8]] = [[93, 184, 216, 34], [0x2a, 0x00] + [UInt8](repeating: 1, count: 14)]
    /// Link-local, multicast, unspecified, broadcast, and what is no address.
    static let never: [[UInt8]] = [
        [169, 254, 1, 1], [224, 0, 0, 1], [0, 0, 0, 0], [255, 255, 255, 255], [UInt8](repeating: 0, count: 16),
        [0xfe, 0x80] + [UInt8](repeating: 1, count: 14), [0xff, 0x02] + [UInt8](repeating: 0, count: 14), [],
        [127, 0, 0],
    ]

    @Test(
        arguments: [
            (AddressScope.loopback, true, true, true), (.private, false, true, true), (.public, false, false, true),
            (nil, false, false, true),
        ] as [(AddressScope?, Bool, Bool, Bool)]
    )
    func `an address is used if it is no more local than the registry's`(
        _ scope: AddressScope?,
        _ allowsLoopback: Bool,
        _ allowsPrivate: Bool,
        _ allowsPublic: Bool
    ) {
        let policy = AddressPolicy(registryScope: scope)
        #expect(Self.loopback.allSatisfy { policy.allows(octets: $0) == allowsLoopback })
        #expect(Self.privates.allSatisfy { policy.allows(octets: $0) == allowsPrivate })
        #expect(Self.publics.allSatisfy { policy.allows(octets: $0) == allowsPublic })
        #expect(Self.never.allSatisfy { !policy.allows(octets: $0) })
    }

    @Test func `an IPv4 address in IPv6 clothes counts as what it is`() {
        let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 127, 0, 0, 1]
        #expect(!AddressPolicy(registryScope: .public).allows(octets: mapped))
        #expect(AddressPolicy(registryScope: .loopback).allows(octets: mapped))
    }

    @Test func `--allow-local permits local addresses, but never those that are nobody's`() {
        let policy = AddressPolicy(registryScope: .public, allowsLocal: true)
        #expect((Self.loopback + Self.privates + Self.publics).allSatisfy { policy.allows(octets: $0) })
        #expect(Self.never.allSatisfy { !policy.allows(octets: $0) })
    }

    @Test func `the scope is learnt from the registry's connection and does not become more local`() {
        let policy = AddressGuard()
        #expect(!policy.allows(octets: [127, 0, 0, 1]))
        policy.learn(registryAddress: [127, 0, 0, 1])
        #expect(policy.allows(octets: [127, 0, 0, 1]))
        policy.learn(registryAddress: [93, 184, 216, 34])
        #expect(!policy.allows(octets: [127, 0, 0, 1]) && !policy.allows(octets: [10, 0, 0, 1]))
        policy.learn(registryAddress: [10, 0, 0, 1])
        #expect(!policy.allows(octets: [10, 0, 0, 1]))
        policy.learn(registryAddress: [])
        #expect(policy.allows(octets: [93, 184, 216, 34]))
    }
}
