// What proves to who comes later that an entry of the table is its owner's: the message by which that set it.

extension SyncRules {
    /// A signed message that gave a key its value, with what proves its sender; it stands for the whole entry.
    struct Evidence: Sendable {
        private let message: PeerMessage
        private let proof: MessageProof

        /// Of a message that came with a proof, or is this node's own; nil if it did not, or tells a part of a value only.
        init?(_ message: PeerMessage) {
            guard let proof = message.proof, message.isForAll, message.subFlag == SubFlag.store,
                (2...3).contains(message.payload.count), let key = message.payload[0].octets,
                // What else is in it would be kept and handed over for nothing.
                message.body.count <= key.count + message.payload[1].bytes + MeshStateMachine.headBytesMax + 32
            else { return nil }
            (self.message, self.proof) = (message, proof)
        }

        /// What a neighbour hands over; nil if it proves nothing.
        ///
        /// About 100 microseconds.
        init?(_ value: MessageValue, in network: NetworkID) {
            guard let parts = value.elements, parts.count == 2, let body = parts[0].octets,
                let proof = parts[1].octets.flatMap(MessageProof.init), var message = PeerMessage(body: body),
                message.sender == NodeID(of: proof.key), proof.isValid(for: message.id, in: network, to: nil)
            else { return nil }
            message.proof = proof
            self.init(message)
        }

        var key: [UInt8] { message.payload[0].octets ?? [] }

        var content: MessageValue { message.payload[1] }

        var version: Version {
            let number = message.payload.count == 3 ? message.payload[2].int ?? 0 : 0
            return Version(owner: message.sender, time: message.time, number: number)
        }

        /// As it travels.
        var value: MessageValue { .array([.binary(message.body), .binary(proof.octets)]) }
    }
}
