// Tests of peer's command line: what flags come to, and which do not go together.

import ArgumentParser
import Daemon
import PeerNetwork
import PeerTCP
import Testing

@testable import peer

@Suite struct PeerCommandTests {
    private static func fault(_ arguments: [String]) -> String? {
        do {
            _ = try PeerCommand.parse(arguments)
            return nil
        } catch {
            return PeerCommand.message(for: error)
        }
    }

    @Test(arguments: [
        (["chord", "--require-signed"], "for mesh and sync"), (["mesh", "--key", "file"], "--key is for --sign"),
        (["mesh", "--registry", "localhost:8080"], "http://localhost:8080"),
        (["mesh", "--name", "a"], "--name is for --registry"), (["mesh", "--ca", "a"], "--ca is for --registry"),
        (["mesh", "--registry", "http://r", "--name", "a"], "--name needs --key"),
        (["mesh", "--registry", "http://r", "--key", "k", "--name", "a/b"], "cannot be a name"),
        (["mesh", "--join"], "for chord"), (["chord", "--no-lease"], "for sync"),
    ])
    func `flags that do not go together are refused with what to do`(_ arguments: [String], _ words: String) {
        #expect(Self.fault(arguments)?.contains(words) == true, "\(Self.fault(arguments) ?? "taken")")
    }

    // MARK: Limits

    @Test func `without a flag every limit is the one of the library`() throws {
        let limits = try PeerCommand.parse(["chord"]).limits
        #expect("\(limits.node)" == "\(NodeConfiguration())")
        #expect("\(limits.sync)" == "\(SyncLimits())" && "\(limits.chord)" == "\(ChordLimits())")
        #expect("\(limits.tcp)" == "\(TCPLimits())")
    }

    @Test func `every limit reaches what it bounds`() throws {
        let limits = try PeerCommand.parse([
            "chord", "--limit-outgoing", "0", "--limit-incoming", "7", "--limit-addresses", "8", "--limit-frame",
            "64KiB",
            "--limit-queue", "2MiB", "--limit-seen", "9", "--limit-age", "2m", "--limit-ahead", "1h30m",
            "--limit-handshake", "3s", "--limit-stall", "4s", "--limit-keys", "5", "--limit-key-size", "6",
            "--limit-values", "10",
        ]).limits
        let node = limits.node
        #expect(node.outgoingMax == 0 && node.incomingMax == 7 && node.addressesMax == 8 && node.seenMax == 9)
        // Who has not said who it is never has more than the others.
        #expect(node.frameBytesMax == 64 << 10 && node.strangerFrameBytesMax == 64 << 10)
        #expect(node.ageSecondsMax == 120 && node.aheadSecondsMax == 5400 && node.handshakeSecondsMax == 3)
        let tcp = limits.tcp
        #expect(tcp.queueBytesMax == 2 << 20 && tcp.congestedBytes == 512 << 10 && tcp.stallSeconds == 4)
        #expect(limits.sync.keysMax == 5 && limits.sync.keyBytesMax == 6)
        #expect(limits.chord.keysMax == 5 && limits.chord.keyBytesMax == 6 && limits.chord.slotsMax == 10)
    }

    @Test(arguments: [
        (["mesh", "--limit-frame", "63KiB"], "64KiB to 1GiB"), (["mesh", "--limit-frame", "1.1GiB"], "64KiB to 1GiB"),
        (["mesh", "--limit-frame", "big"], "10GiB, 256MiB"), (["mesh", "--limit-queue", "0"], "at least 1 byte"),
        (["mesh", "--limit-seen", "0"], "at least 1"), (["mesh", "--limit-incoming", "-1"], "limit-incoming"),
        (["mesh", "--limit-incoming", "1000000001"], "0 to 1000000000"),
        (["mesh", "--limit-age", "60"], "with its unit"),
        (["mesh", "--limit-age", "1500ms"], "whole seconds"), (["mesh", "--limit-stall", "0"], "at least 1s"),
        (["mesh", "--limit-keys", "1"], "for sync and chord"),
        (["mesh", "--limit-key-size", "1"], "for sync and chord"),
        (["sync", "--limit-values", "1"], "for chord"),
    ])
    func `a limit that cannot be is refused with what was expected`(_ arguments: [String], _ words: String) {
        #expect(Self.fault(arguments)?.contains(words) == true, "\(Self.fault(arguments) ?? "taken")")
    }

    @Test(arguments: [
        ["mesh", "--limit-frame", "64KiB"], ["mesh", "--limit-frame", "1GiB"], ["mesh", "--limit-outgoing", "0"],
        ["mesh", "--limit-seen", "1"], ["mesh", "--limit-age", "1s"], ["sync", "--limit-keys", "1"],
    ])
    func `a limit at its own limit is taken`(_ arguments: [String]) {
        #expect(Self.fault(arguments) == nil)
    }
}
