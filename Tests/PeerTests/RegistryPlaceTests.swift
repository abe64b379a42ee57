// How nodes of a network are called in a registry, and which of those that are there are of that network.

import ArgumentParser
import Daemon
import PeerIdentity
import PeerNetwork
import Testing

@testable import peer

@Suite struct RegistryPlaceTests {
    private static func place(_ words: String...) throws -> RegistryPlace {
        try PeerCommand.parse(words).registryPlace
    }

    @Test func `a name says network and subnet, and a subnet that is no part of one is replaced`() throws {
        #expect(try Self.place("mesh").identifier("Alice").text == "mesh.mesh.Alice")
        #expect(try Self.place("sync", "--subnet", "home").identifier("a.b").text == "sync.home.a.b")
        for subnet in ["", "a b", "été", "a.b", String(repeating: "x", count: 25)] {
            let place = try Self.place("mesh", "--subnet", subnet)
            let network = "\(NetworkID(subnet: subnet, isEncrypted: false))"
            #expect(try place.identifier("a").text == "mesh.\(network.prefix(12)).a")
        }
        let most = String(repeating: "x", count: 24)
        #expect(try Self.place("mesh", "--subnet", most).prefix == "mesh.\(most).")
        #expect(throws: InvalidValue.self) { try Self.place("mesh").identifier("a/b") }
        #expect(throws: InvalidValue.self) { try Self.place("mesh").identifier(String(repeating: "x", count: 64)) }
    }

    @Test func `without a name a node is called by its key`() throws {
        let key = try IdentityKey(rawRepresentation: [UInt8](repeating: 1, count: 32)).publicKey
        let name = RegistryPlace.name(of: key)
        #expect(name == "2vAjuDxyH3")
        #expect(try Self.place("chord").identifier(name).text == "chord.chord.2vAjuDxyH3")
    }

    @Test(arguments: ["192.0.2.7:4444", "[2001:db8::7]:80", "node.example:65535"])
    func `an address is found again in the URL that stands for it`(_ text: String) throws {
        let (place, address) = (try Self.place("mesh"), try #require(PeerAddress(text)))
        let url = try place.url(of: address)
        #expect(url.text == "http://\(text)/p2p/EpAmyZWv9rZUKmjQgU3FTUD4GrJHvVEXizmghVBc8eGD")
        #expect(place.address(in: url) == address)
    }

    @Test func `a node of another subnet, kind or encryption, and who is no node, is none of ours`() throws {
        let (place, address) = (try Self.place("sync"), try #require(PeerAddress("192.0.2.7:4444")))
        for other in [["mesh"], ["sync", "--no-lease"], ["sync", "--tls"], ["sync", "--subnet", "home"]] {
            #expect(place.address(in: try PeerCommand.parse(other).registryPlace.url(of: address)) == nil)
        }
        #expect(place.address(in: try PeerURL("http://192.0.2.7:8081/")) == nil)
    }
}
