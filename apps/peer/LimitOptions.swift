// The flags that bound what a node takes on: how much, how many, how long.

import ArgumentParser
import Daemon
import PeerNetwork
import PeerTCP

/// `--limit-...`: each with the default of what it bounds.
struct LimitOptions: ParsableArguments {
    /// What can stand in environment and file; to be added to the program's settings.
    static let settings = [
        "outgoing", "incoming", "addresses", "frame", "queue", "seen", "age", "ahead", "handshake", "stall", "keys",
        "key-size", "values",
    ].map { Setting("limit-\($0)") }

    @Option(
        name: .customLong("limit-outgoing"),
        help: ArgumentHelp(
            "Links it makes; beyond, only those of --connect. (default: \(Default.node.outgoingMax))",
            valueName: "n"
        ),
        transform: LimitValues.anyCount
    )
    var outgoing = Default.node.outgoingMax

    @Option(
        name: .customLong("limit-incoming"),
        help: ArgumentHelp("Links that others have made. (default: \(Default.node.incomingMax))", valueName: "n"),
        transform: LimitValues.anyCount
    )
    var incoming = Default.node.incomingMax

    @Option(
        name: .customLong("limit-addresses"),
        help: ArgumentHelp(
            "Addresses that are remembered for when links are lost. (default: \(Default.node.addressesMax))",
            valueName: "n"
        ),
        transform: LimitValues.anyCount
    )
    var addresses = Default.node.addressesMax

    @Option(
        name: .customLong("limit-frame"),
        help: ArgumentHelp(
            "The largest message, decompressed too; 64KiB to 1GiB. (default: \(Default.frame))",
            valueName: "size"
        ),
        transform: LimitValues.frame
    )
    var frame = Default.frame

    @Option(
        name: .customLong("limit-queue"),
        help: ArgumentHelp("What may wait to be sent to one neighbour. (default: \(Default.queue))", valueName: "size"),
        transform: LimitValues.size
    )
    var queue = Default.queue

    @Option(
        name: .customLong("limit-seen"),
        help: ArgumentHelp(
            "Messages that are remembered, to take none twice. (default: \(Default.node.seenMax))",
            valueName: "n"
        ),
        transform: LimitValues.count
    )
    var seen = Default.node.seenMax

    @Option(
        name: .customLong("limit-age"),
        help: ArgumentHelp("Older messages are dropped. (default: \(Default.age.text))", valueName: "time"),
        transform: LimitValues.time
    )
    var age = Default.age

    @Option(
        name: .customLong("limit-ahead"),
        help: ArgumentHelp(
            "Messages dated further ahead of this clock are dropped. (default: \(Default.ahead.text))",
            valueName: "time"
        ),
        transform: LimitValues.time
    )
    var ahead = Default.ahead

    @Option(
        name: .customLong("limit-handshake"),
        help: ArgumentHelp(
            "How long a new link may take to say who it is. (default: \(Default.handshake.text))",
            valueName: "time"
        ),
        transform: LimitValues.time
    )
    var handshake = Default.handshake

    @Option(
        name: .customLong("limit-stall"),
        help: ArgumentHelp(
            "How long a neighbour may read nothing of what waits for it. (default: \(Default.stall.text))",
            valueName: "time"
        ),
        transform: LimitValues.time
    )
    var stall = Default.stall

    @Option(
        name: .customLong("limit-keys"),
        help: ArgumentHelp("sync, chord: keys in the table. (default: \(SyncLimits().keysMax))", valueName: "n"),
        transform: LimitValues.count
    )
    var keys: Int?

    @Option(
        name: .customLong("limit-key-size"),
        help: ArgumentHelp(
            "sync, chord: the longest key. (default: \(ByteCount(Int64(SyncLimits().keyBytesMax))))",
            valueName: "size"
        ),
        transform: LimitValues.size
    )
    var keySize: ByteCount?

    @Option(
        name: .customLong("limit-values"),
        help: ArgumentHelp(
            "chord: values held for all; a key has five. (default: \(ChordLimits().slotsMax))",
            valueName: "n"
        ),
        transform: LimitValues.count
    )
    var values: Int?

    /// What holds where nothing is set.
    enum Default {
        static let node = NodeConfiguration()
        static let frame = ByteCount(Int64(node.frameBytesMax))
        static let queue = ByteCount(Int64(TCPLimits().queueBytesMax))
        static let age = Duration.seconds(node.ageSecondsMax)
        static let ahead = Duration.seconds(node.aheadSecondsMax)
        static let handshake = Duration.seconds(node.handshakeSecondsMax)
        static let stall = Duration.seconds(TCPLimits().stallSeconds)
    }

    /// Throws what the parser shows if one is for another kind of network.
    func check(for network: NetworkKind) throws(ValidationError) {
        if network == .mesh, keys != nil || keySize != nil {
            let flag = keys == nil ? "--limit-key-size" : "--limit-keys"
            throw ValidationError("\(flag) is for sync and chord; leave it out")
        }
        if network != .chord, values != nil {
            throw ValidationError("--limit-values is for chord; leave it out, or say 'peer chord'")
        }
    }

    /// The bounds of a node of any kind.
    var node: NodeConfiguration {
        var configuration = NodeConfiguration()
        configuration.outgoingMax = outgoing
        configuration.incomingMax = incoming
        configuration.addressesMax = addresses
        configuration.frameBytesMax = Int(frame.bytes)
        configuration.strangerFrameBytesMax = min(configuration.strangerFrameBytesMax, Int(frame.bytes))
        configuration.seenMax = seen
        configuration.ageSecondsMax = age.components.seconds
        configuration.aheadSecondsMax = ahead.components.seconds
        configuration.handshakeSecondsMax = handshake.components.seconds
        return configuration
    }

    var tcp: TCPLimits {
        var limits = TCPLimits()
        limits.queueBytesMax = Int(queue.bytes)
        // Who sends waits long before a peer is let go.
        limits.congestedBytes = min(limits.congestedBytes, limits.queueBytesMax / 4)
        limits.stallSeconds = stall.components.seconds
        return limits
    }

    var sync: SyncLimits {
        var limits = SyncLimits()
        if let keys { limits.keysMax = keys }
        if let keySize { limits.keyBytesMax = Int(keySize.bytes) }
        return limits
    }

    var chord: ChordLimits {
        var limits = ChordLimits()
        if let keys { limits.keysMax = keys }
        if let keySize { limits.keyBytesMax = Int(keySize.bytes) }
        if let values { limits.slotsMax = values }
        return limits
    }
}

/// What the flags of limits take.
enum LimitValues {
    /// 0 or more.
    static func anyCount(_ text: String) throws(InvalidValue) -> Int {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(text),
            count <= 1_000_000_000
        else { throw InvalidValue("expected a number from 0 to 1000000000") }
        return count
    }

    /// 1 or more.
    static func count(_ text: String) throws(InvalidValue) -> Int {
        let count = try anyCount(text)
        guard count > 0 else { throw InvalidValue("expected at least 1") }
        return count
    }

    /// At least one byte.
    static func size(_ text: String) throws(InvalidValue) -> ByteCount {
        let size = try ByteCount(parsing: text)
        guard size.bytes > 0 else { throw InvalidValue("expected at least 1 byte") }
        return size
    }

    /// Room for what nodes tell each other of themselves, at least.
    static func frame(_ text: String) throws(InvalidValue) -> ByteCount {
        let size = try ByteCount(parsing: text)
        guard size >= .kibibytes(64), size <= .gibibytes(1) else { throw InvalidValue("expected 64KiB to 1GiB") }
        return size
    }

    /// Whole seconds: what the protocol counts in.
    static func time(_ text: String) throws(InvalidValue) -> Duration {
        let time = try Duration(parsing: text)
        guard time >= .seconds(1), time.components.attoseconds == 0 else {
            throw InvalidValue("expected whole seconds, at least 1s")
        }
        return time
    }
}
