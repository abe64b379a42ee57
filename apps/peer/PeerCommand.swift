// The command line of peer: every flag, its default and its help.

import ArgumentParser
import Daemon
import PeerIdentity
import PeerNetwork

/// The flags as typed; ``PeerOptions`` is what they mean.
struct PeerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer",
        abstract: "A node of a p2p.today network: mesh, sync table or chord table (wire version 0.7).",
        discussion: """
            EXAMPLES
              peer mesh --port 4444
                  The first node of a network.
              peer mesh --port 4445 --connect 127.0.0.1:4444
                  A second one; what is typed reaches everyone.
              peer mesh --port 0 --registry http://localhost:8080
                  Links to the nodes that the registry knows of.
              peer sync --port 4446 --connect 192.0.2.7:4446
                  A table that every node has: set KEY VALUE, get KEY, del KEY, keys.
              peer chord --port 4447 --join
                  A table of which every node has a part.

            Commands on standard input: \(Instruction.summary); help says more. With --json each event is a line of JSON \
            on standard output, for programs.

            Every flag can be set as WAYSTATION_PEER_SUBNET=home in the environment, or as 'subnet = home' in the file \
            that --config names.

            In these networks anybody can send a message in another's name. Nodes with --sign prove which are theirs, and \
            --require-signed takes no others. Stop it with Ctrl-C.
            """,
        version: Program.version
    )

    static let settings =
        [
            Setting("port"), Setting("host"), Setting("connect", .list), Setting("subnet"), Setting("compression"),
            Setting("no-lease", .flag), Setting("tls", .flag), Setting("join", .flag), Setting("json", .flag),
            Setting("sign", .flag), Setting("require-signed", .flag), Setting("key"), Setting("registry"),
            Setting("name"), Setting("ca"),
        ] + LimitOptions.settings

    @Argument(help: "Which network: mesh, sync or chord.")
    var network: NetworkKind

    @Option(
        help: "Where to listen; 0: any free port, told by the ready line. (default: 4444)",
        transform: ListenValues.port
    )
    var port = 4444

    @Option(
        help: ArgumentHelp(
            "The address to listen on, and to tell others; 0.0.0.0 is reached by others. (default: 127.0.0.1)",
            valueName: "address"
        ),
        transform: PeerValues.host
    )
    var host = "127.0.0.1"

    @Option(
        help: ArgumentHelp(
            "A node to link to, now and whenever that link is lost; repeatable.",
            valueName: "host:port"
        ),
        transform: PeerValues.address
    )
    var connect: [PeerPlace] = []

    @Option(help: "Only nodes of the same subnet link to each other. (default: the network's name)")
    var subnet: String?

    @Option(
        help: ArgumentHelp(
            "How messages are made smaller, the best first: zlib, gzip, bz2, lzma, or none. (default: zlib,gzip,bz2,lzma)",
            valueName: "methods"
        ),
        transform: PeerValues.methods
    )
    var compression = PeerValues.allMethods

    @Flag(help: "sync: any node may change any key; else it is its owner's for an hour.")
    var noLease = false

    @Flag(help: "Encrypt links; nodes with and without it are strangers, and nobody checks who the other is.")
    var tls = false

    @Flag(help: "chord: hold a part of the table from the beginning.")
    var join = false

    @Flag(help: "Sign what it says to all and to users, with a key whose hash is the node's id; py2p takes no notice.")
    var sign = false

    @Flag(help: "mesh, sync: drop messages and changes of the table whose sender has not signed them.")
    var requireSigned = false

    @Option(help: ArgumentHelp("The node's key; made if it is not there. (default: a new one)", valueName: "file"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "Find other nodes through this registry, and be found: http://localhost:8080.",
            valueName: "url"
        ),
        transform: PeerValues.url
    )
    var registry: PeerURL?

    @Option(help: "What it is called at the registry, behind network and subnet. (default: from its key)")
    var name: String?

    @Option(help: ArgumentHelp("Certificates (PEM) to trust an https registry by.", valueName: "file"))
    var ca: String?

    @Flag(help: "One JSON event a line on standard output.")
    var json = false

    @Option(help: ArgumentHelp("Read settings from this file.", valueName: "file"))
    var config: String?

    @OptionGroup
    var limits: LimitOptions

    func validate() throws {
        if noLease, network != .sync {
            throw ValidationError("--no-lease is for sync; leave it out, or say 'peer sync'")
        }
        if join, network != .chord { throw ValidationError("--join is for chord; leave it out, or say 'peer chord'") }
        if requireSigned, network == .chord {
            throw ValidationError(
                "--require-signed is for mesh and sync: nobody signs what a chord table holds; leave it out"
            )
        }
        if key != nil, !sign, registry == nil {
            throw ValidationError("--key is for --sign and --registry; give one of them, or leave it out")
        }
        if registry == nil, name != nil || ca != nil {
            throw ValidationError("--\(name == nil ? "ca" : "name") is for --registry; give both, or leave it out")
        }
        if let name {
            guard key != nil else {
                throw ValidationError("--name needs --key FILE: a registry gives a name to one key")
            }
            do throws(InvalidValue) {
                _ = try registryPlace.identifier(name)
            } catch {
                throw ValidationError("--name: \(error)")
            }
        }
        try limits.check(for: network)
    }
}

extension PeerCommand {
    /// What only nodes of one network link to each other by.
    var networkID: NetworkID {
        NetworkID(subnet: network.fullSubnet(subnetName, isLeasing: !noLease), isEncrypted: tls)
    }

    var subnetName: String { subnet ?? network.rawValue }

    /// Where nodes of that network stand in a registry.
    var registryPlace: RegistryPlace { RegistryPlace(network, subnet: subnetName, network: networkID) }
}

/// The kinds of network.
enum NetworkKind: String, CaseIterable, ExpressibleByArgument, Sendable {
    case mesh
    case sync
    case chord
}
