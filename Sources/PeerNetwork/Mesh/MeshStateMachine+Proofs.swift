// Messages whose sender is proved: a node of ours says in a message of its own that another one is really its own.
//
// In the old protocol anybody may send a broadcast that says it is from another, and nobody can tell. A signature within the
// message would be shown by py2p to its users; so it travels apart, in front of the message, as one of a kind that py2p
// hands on and does not look at.

import PeerIdentity

extension MeshStateMachine {
    /// What is known of who sent what.
    struct Proofs: Sendable {
        private struct Name: Hashable {
            let message: MessageID
            let signer: NodeID
        }

        /// Proofs that are valid and came before their messages: with the signer, as anybody can sign anything.
        private var waiting: [Name: MessageProof] = [:]
        private var order: [(name: Name, until: Int64)] = []
        /// Messages that came before their proofs.
        fileprivate var held: [MessageID: (message: PeerMessage, until: Int64)] = [:]
        fileprivate(set) var heldBytes = 0
        /// Messages and entries of tables that were dropped for want of one.
        var refusedCount = 0

        fileprivate mutating func keep(_ proof: MessageProof, of message: MessageID, until: Int64, countMax: Int) {
            let name = Name(message: message, signer: NodeID(of: proof.key))
            guard waiting.updateValue(proof, forKey: name) == nil else { return }
            order.append((name, until))
            if order.count > countMax { forget(order.count / 4 + 1) }
        }

        fileprivate mutating func take(of message: MessageID, by signer: NodeID) -> MessageProof? {
            // Where nobody signs, each message would be looked for.
            waiting.isEmpty ? nil : waiting.removeValue(forKey: Name(message: message, signer: signer))
        }

        private mutating func forget(_ count: Int) {
            for (name, _) in order.prefix(count) { waiting[name] = nil }
            order.removeFirst(min(count, order.count))
        }

        fileprivate mutating func forget(before now: Int64) {
            forget(order.prefix { $0.until < now }.count)
            for (id, state) in held where state.until < now {
                held[id] = nil
                heldBytes -= state.message.body.count
                refusedCount += 1
            }
        }
    }

    // MARK: Own messages

    /// Tells all nodes that `message`, which is to go out behind this, is this node's; nil if it has no key to prove it by.
    ///
    /// That is in front of the message: each link and each node keeps the order, so hardly anybody has to wait for the proof.
    mutating func vouch(for message: PeerMessage, at now: Int64, _ actions: inout [NodeAction]) -> MessageProof? {
        guard isWordOfSender(message), let proof = proof(of: message, to: nil) else { return nil }
        let voucher = PeerMessage(
            MainFlag.broadcast,
            SubFlag.vouch,
            from: identity.id,
            at: message.time,
            [.binary(message.id.octets), .binary(proof.octets)]
        )
        remember(voucher, at: now)
        spread(voucher, besides: nil, at: now, &actions)
        return proof
    }

    /// The same for a whisper to the neighbour at `link`, who alone can use it.
    func vouch(for whisper: PeerMessage, on link: LinkID, _ actions: inout [NodeAction]) {
        guard whisper.subFlag == SubFlag.whisper, let peer = links[link]?.peer,
            let proof = proof(of: whisper, to: peer.id)
        else { return }
        let payload: [MessageValue] = [.binary(whisper.id.octets), .binary(proof.octets)]
        let voucher = PeerMessage(MainFlag.whisper, SubFlag.vouch, from: identity.id, at: whisper.time, payload)
        send(voucher, on: link, &actions)
    }

    /// A whisper of this node; one that will be signed is dated later if it is the same as one before, as who has taken the
    /// first would take the second for its replay.
    mutating func ownWhisper(_ payload: [MessageValue], _ subFlag: Int64, at now: Int64) -> PeerMessage {
        var message = PeerMessage(MainFlag.whisper, subFlag, from: identity.id, at: now, payload)
        guard subFlag == SubFlag.whisper, identity.key != nil else { return message }
        while seen.contains(message.id), message.time < now + configuration.aheadSecondsMax {
            message = PeerMessage(MainFlag.whisper, subFlag, from: identity.id, at: message.time + 1, payload)
        }
        remember(message, at: now)
        return message
    }

    private func proof(of message: PeerMessage, to receiver: NodeID?) -> MessageProof? {
        guard let key = identity.key else { return nil }
        // A library that cannot sign leaves the message as it would be without a key.
        return try? MessageProof(of: message.id, by: key, in: identity.network, to: receiver)
    }

    // MARK: Messages of others

    /// `message`, with what proves its sender if that has come; nil if it is not to be taken without, or not yet.
    mutating func checked(_ message: PeerMessage, at now: Int64) -> PeerMessage? {
        var message = message
        // Nobody else's word counts, such as that of who made the message in the same process.
        message.proof = nil
        guard isWordOfSender(message) else { return message }
        let proof = proofs.take(of: message.id, by: message.sender)
        if let proved = proof.flatMap({ self.proved(message, by: $0, at: now) }) { return proved }
        guard configuration.requiresSigned else { return message }
        let bytes = proofs.heldBytes + message.body.count
        guard proofs.held[message.id] == nil, bytes <= configuration.keptBytesMax else {
            proofs.refusedCount += 1
            return nil
        }
        proofs.held[message.id] = (message, now + configuration.proofSecondsMax)
        proofs.heldBytes = bytes
        return nil
    }

    /// Takes word on who sent a message; what was held for it is delivered.
    mutating func takeVoucher(
        _ voucher: PeerMessage,
        from neighbour: NodeID,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Outcome {
        let receiver = voucher.isForAll ? nil : identity.id
        guard voucher.payload.count >= 2, let id = voucher.payload[0].octets.flatMap(MessageID.init),
            // What was delivered already needs none, and it costs something to look.
            proofs.held[id] != nil || !seen.contains(id),
            let proof = voucher.payload[1].octets.flatMap(MessageProof.init),
            proof.isValid(for: id, in: identity.network, to: receiver)
        else { return .done }
        guard let message = proofs.held[id]?.message, message.sender == NodeID(of: proof.key) else {
            let until = now + configuration.ageSecondsMax
            proofs.keep(proof, of: id, until: until, countMax: configuration.vouchersMax)
            return .done
        }
        proofs.held[id] = nil
        proofs.heldBytes -= message.body.count
        guard let proved = proved(message, by: proof, at: now) else {
            proofs.refusedCount += 1
            return .done
        }
        guard proved.subFlag == SubFlag.broadcast || proved.subFlag == SubFlag.whisper else {
            return .passed(proved, neighbour, link)
        }
        actions.append(.tell(.message(proved, neighbour: neighbour)))
        return .done
    }

    mutating func forgetProofs(before now: Int64) { proofs.forget(before: now) }

    /// Takes note that something was dropped for want of a proof.
    mutating func noteUnproved() { proofs.refusedCount += 1 }

    /// Whether what a message says counts as its sender's word: what is for users, and changes of tables that go to all.
    private func isWordOfSender(_ message: PeerMessage) -> Bool {
        switch message.subFlag {
        case SubFlag.broadcast, SubFlag.whisper: true
        case SubFlag.store, SubFlag.delta: message.isForAll
        default: false
        }
    }

    /// `message` with its proof, which is known to be valid; nil if it is a whisper that came before, or is of another time.
    ///
    /// A message to all that comes again has been stopped already.
    private mutating func proved(_ message: PeerMessage, by proof: MessageProof, at now: Int64) -> PeerMessage? {
        if !message.isForAll {
            let (first, last) = (now - configuration.ageSecondsMax, now + configuration.aheadSecondsMax)
            guard message.time >= first, message.time <= last, remember(message, at: now) else { return nil }
        }
        var message = message
        message.proof = proof
        return message
    }
}
