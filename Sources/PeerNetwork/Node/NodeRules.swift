// What every network's rules have in common: they rest on those of the mesh.

/// The rules of one kind of network.
package protocol NodeRules: Sendable {
    /// The neighbours, and what is relayed.
    var mesh: MeshStateMachine { get set }

    /// Takes what the mesh has made of a message or a link.
    mutating func take(_ outcome: MeshStateMachine.Outcome, at now: Int64, _ actions: inout [NodeAction])

    /// Does what is due; called about every second.
    mutating func tick(at now: Int64, _ actions: inout [NodeAction])

    /// Closes every link, and lets everybody know who still waits for something.
    mutating func closeAll(_ actions: inout [NodeAction])
}

extension NodeRules {
    package mutating func closeAll(_ actions: inout [NodeAction]) {
        mesh.closeAll(&actions)
    }
}

/// The mesh alone: messages to all, and to one.
package struct MeshRules: NodeRules {
    package var mesh: MeshStateMachine

    package init(_ mesh: MeshStateMachine) {
        self.mesh = mesh
    }

    package mutating func take(_ outcome: MeshStateMachine.Outcome, at now: Int64, _ actions: inout [NodeAction]) {}

    package mutating func tick(at now: Int64, _ actions: inout [NodeAction]) {
        mesh.tick(at: now, &actions)
    }
}
