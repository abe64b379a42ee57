// The engine's timeouts, all checked on one coarse tick, so that a request schedules nothing.

import HTTP

extension HTTP1Engine {
    /// Ends what has waited too long; to be called a few times in the shortest timeout.
    package mutating func tick(in context: inout EngineContext) {
        let now = context.now
        let timeouts = context.timeouts
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
        } else if isBodyLate(now, timeouts) {
            failLateBody(in: &context)
        } else if let headSince, now - headSince >= timeouts.head {
            refuse(.headTimeout, in: &context)
            settle(in: &context)
        } else if inputEnded {
            // The client may have left: there is nothing to send by which one could tell.
            if now - outputSince >= timeouts.halfClosed { close(.abort, in: &context) }
        } else if exchanges.isEmpty, headSince == nil, !isInBody, now - idleSince >= timeouts.idle {
            close(.flush, in: &context)
        }
    }

    private func isBodyLate(_ now: Int64, _ timeouts: EngineTimeouts) -> Bool {
        isInBody && now - bodySince >= timeouts.body && exchanges.last?.body?.isFull != true
            && exchanges.last?.awaitsContinue != true
    }

    private mutating func failLateBody(in context: inout EngineContext) {
        failRequestBody(.bodyTimeout, in: &context)
        settle(in: &context)
    }
}
