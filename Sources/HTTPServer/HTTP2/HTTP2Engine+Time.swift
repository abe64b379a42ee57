// The engine's timeouts, all checked on one coarse tick, so that a request schedules nothing.

import HTTP

extension HTTP2Engine {
    /// Ends what has waited too long; to be called a few times in the shortest timeout.
    package func tick(in context: inout EngineContext) {
        let now = context.now
        let timeouts = context.timeouts
        resets.refill(now: now)
        controlFrames.refill(now: now)
        switch ending {
        case .closed: return
        case .lingering:
            if now - idleSince >= timeouts.linger { close(.flush, in: &context) }
            return
        case .flushing:
            if now - outputSince >= timeouts.writeStall { close(.abort, in: &context) }
            return
        case .open: break
        }
        if isBlocked || awaitsAcceptance {
            if now - outputSince >= timeouts.writeStall { close(.abort, in: &context) }
            return
        }
        if case .announced(let since) = departure, now - since >= HTTP2Engine.departurePatience { depart(in: &context) }
        if let headSince, now - headSince >= timeouts.head { return leave(.protocolError, in: &context) }
        // The client may have left: there is nothing to send by which one could tell.
        if inputEnded, now - outputSince >= timeouts.halfClosed { return close(.abort, in: &context) }
        if streams.isEmpty, now - idleSince >= timeouts.idle { return leave(.noError, in: &context) }
        if let starvedSince, now - starvedSince >= timeouts.writeStall { return leave(.enhanceYourCalm, in: &context) }
        for stream in streams { tick(stream, now, timeouts, in: &context) }
        settle(in: &context)
    }

    private func tick(
        _ stream: HTTP2Stream,
        _ now: Int64,
        _ timeouts: EngineTimeouts,
        in context: inout EngineContext
    ) {
        let isStalled = stream.wantsToSend && stream.sendWindow <= 0
        if isStalled, let since = stream.stalledSince, now - since >= timeouts.writeStall {
            return breakOff(stream, .cancel, in: &context)
        }
        if stream.uncreditedToConnection > 0 { credit(stream, in: &context) }
        guard stream.isRemoteOpen, let body = stream.body, !stream.awaitsContinue, !body.isFull,
            now - stream.bodySince >= timeouts.body
        else { return }
        body.fail(.truncated)
        stream.body = nil
        guard case .waiting = stream.phase else { return }
        if stream.isRunning { context.actions.append(.cancel(stream.number)) }
        stream.isRunning = false
        stream.phase = .ready(RequestRefusal.bodyTimeout.response(with: context.configuration.ownResponseFields))
        enqueue(stream)
    }

    /// Milliseconds after which a client that does not answer a PING has had time to read a GOAWAY.
    private static let departurePatience: Int64 = 1000
}
