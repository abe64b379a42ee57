// What a connection does differently because NIOSSL stands between it and the socket.

import HTTP
import Logging
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

extension Connection {
    /// The name of NIOSSL's handler in the pipeline.
    private static let tlsHandlerName = "tls"

    /// Puts NIOSSL's handler in front of a connection that is still to be added.
    static func addTLS(_ context: NIOSSLContext, to pipeline: ChannelPipeline.SynchronousOperations) throws {
        try pipeline.addHandler(NIOSSLServerHandler(context: context), name: tlsHandlerName)
    }

    /// Sees to it that the memory of a large body is given back.
    func watchCiphertext(_ channelContext: ChannelHandlerContext) {
        guard ciphertextMemory == nil else { return }
        let memory = CiphertextMemory()
        do {
            try channelContext.pipeline.syncOperations.addHandler(memory, position: .first)
            ciphertextMemory = memory
        } catch {
            // The channel is going: then all of its memory does.
        }
    }

    /// The protocol that the handshake has agreed on, empty if none, if an event of the pipeline says that it is done.
    func protocolNegotiated(_ event: Any) -> String? {
        guard case .handshakeCompleted(let name)? = event as? TLSUserEvent else { return nil }
        return name ?? ""
    }

    /// Logs, for whoever looks for it, why there is no TLS: anybody can bring this about at any rate.
    func noteHandshakeFailure(_ error: any Error) {
        guard handshakeSince != nil else { return }
        lane.context.configuration.metrics?.handshakeFailures.add(1, ordering: .relaxed)
        lane.logger.debug("A TLS handshake failed", metadata: ["error.message": "\(error)"])
    }

    /// Whether the handshake has taken too long.
    func isHandshakeLate() -> Bool {
        guard let handshakeSince, let tls = lane.context.configuration.tls else { return false }
        return lane.context.now - handshakeSince >= tls.handshakeTimeout.milliseconds
    }

    /// Closes the socket, with TLS without close_notify: it must not look as if all had been said (RFC 8446, 6.1).
    func closeAtOnce(_ channelContext: ChannelHandlerContext) {
        guard isSecure else { return channelContext.close(promise: nil) }
        // Fails only if the handler is gone, which is when the channel is.
        let beneath = try? channelContext.channel.pipeline.syncOperations.context(name: Connection.tlsHandlerName)
        (beneath ?? channelContext).close(promise: nil)
    }

    /// Says close_notify and closes once everything is out, without waiting for the client's.
    func closeSecurely(_ channelContext: ChannelHandlerContext) {
        guard handshakeSince == nil else { return closeAtOnce(channelContext) }
        let eventLoop = channelContext.eventLoop
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        let whenOut = eventLoop.makePromise(of: Void.self)
        let whenSaid = eventLoop.makePromise(of: Void.self)
        whenOut.futureResult.whenComplete { _ in
            // Not from within NIO's write, which would hold close_notify back until after the close.
            eventLoop.execute {
                guard let context = connection.value.channelContext else { return whenSaid.succeed(()) }
                context.close(mode: .output, promise: whenSaid)
            }
        }
        whenSaid.futureResult.whenComplete { _ in
            if let context = connection.value.channelContext { connection.value.closeAtOnce(context) }
        }
        channelContext.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: whenOut)
    }
}
