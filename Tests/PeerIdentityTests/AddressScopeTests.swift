// Tests of address scopes: each block of addresses at both its ends.

import PeerIdentity
import Testing

@Suite struct AddressScopeTests {
    @Test(
        arguments: [
            ("127.0.0.0", .loopback), ("127.255.255.255", .loopback), ("::1", .loopback), ("[::1]", .loopback),
            ("0:0:0:0:0:0:0:1", .loopback), ("::ffff:127.0.0.1", .loopback), ("::ffff:7f00:1", .loopback),
            ("10.0.0.0", .private), ("10.255.255.255", .private), ("172.16.0.0", .private),
            ("172.31.255.255", .private),
            ("192.168.0.0", .private), ("192.168.255.255", .private), ("100.64.0.0", .private),
            ("100.127.255.255", .private),
            ("192.0.0.8", .private), ("192.0.2.1", .private), ("198.18.0.0", .private), ("198.19.255.255", .private),
            ("198.51.100.7", .private), ("203.0.113.7", .private), ("fc00::", .private), ("fd12::1", .private),
            ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .private), ("2001:db8::1", .private), ("fec0::1", .private),
            ("100::1", .private), ("4000::", .private), ("64:ff9b:1::1", .private), ("2001:0:1::1", .private),
            ("::ffff:10.0.0.1", .private), ("64:ff9b::10.0.0.1", .private), ("2002:c0a8:1::", .private),
            ("::10.0.0.1", .private),
            ("64:ff9b::127.0.0.1", .loopback), ("2002:7f00:1::", .loopback),
            ("1.0.0.0", .public), ("9.255.255.255", .public), ("11.0.0.0", .public), ("100.63.255.255", .public),
            ("100.128.0.0", .public), ("126.255.255.255", .public), ("128.0.0.0", .public),
            ("169.253.255.255", .public),
            ("169.255.0.0", .public), ("172.15.255.255", .public), ("172.32.0.0", .public),
            ("192.167.255.255", .public),
            ("192.169.0.0", .public), ("223.255.255.255", .public), ("2000::", .public), ("2001:200::1", .public),
            ("3fff:ffff::1", .public), ("::ffff:8.8.8.8", .public), ("64:ff9b::8.8.8.8", .public),
            ("2002:808:808::1", .public),
        ] as [(String, AddressScope)]
    )
    func `an address has a scope`(text: String, scope: AddressScope) {
        #expect(AddressScope(literal: text) == scope)
    }

    @Test(arguments: [
        "0.0.0.0", "0.255.255.255", "169.254.0.0", "169.254.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0",
        "255.255.255.255", "::", "fe80::", "fe80::1", "febf:ffff::1", "ff00::", "ff02::1", "::ffff:0.0.0.0",
        "::ffff:169.254.169.254", "::ffff:224.0.0.1", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::", "::0.0.0.2",
    ])
    func `what is never to be connected has none`(text: String) {
        #expect(AddressScope(literal: text) == nil)
    }

    @Test(arguments: [
        "", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..3.4", "0x7f.0.0.1",
        "127.1",
        "2130706433", "1:2", ":1", "1:", ":::", "1::2::3", "fe80::1%eth0", "[::1", "::1]", "[127.0.0.1", "::12345",
        "::g", "[]",
        "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
    ])
    func `what is no address has none`(text: String) {
        #expect(AddressScope(literal: text) == nil)
    }

    @Test func `only 4 or 16 octets are an address`() {
        for count in 0...20 {
            let octets = [UInt8](repeating: 0x20, count: count)
            #expect(AddressScope(octets: octets) == ([4, 16].contains(count) ? .public : nil))
        }
    }

    @Test func `scopes are ordered from near to far`() {
        #expect(AddressScope.allCases == [.loopback, .private, .public])
        #expect(AddressScope.allCases == AddressScope.allCases.sorted())
    }
}
