// What comes on one connection, on its event loop.

import NIOCore
import NIOSSL
import PeerNetwork

/// Hands what comes to the node, and tells when a connection is there and when it is over.
final class LinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let links: TCPLinks
    private let dialled: LinkID?
    private var standing: (link: LinkID, node: any TransportDelegate)?
    private var reader = LinkReader()
    private var isWithinFrame = false
    /// The node takes nothing in, and frames may be left.
    private var isHeldBack = false
    private var isOver = false
    private var why: String?

    init(_ links: TCPLinks, link: LinkID?) {
        (self.links, dialled) = (links, link)
    }

    func channelActive(context: ChannelHandlerContext) {
        standing = links.stand(context.channel, NIOLoopBound(self, eventLoop: context.eventLoop), dialled)
        if standing == nil { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        reader.append(unwrapInboundIn(data).readableBytesView)
        takeFrames()
    }

    /// Offers the node what has come, and tells it of the end when all of that is taken.
    func takeFrames() {
        guard let (link, node) = standing else { return }
        let before = reader.frameCount
        isHeldBack = !node.received(&reader, on: link)
        // What the node does not take now is not its peer's delay, and another frame has its own time.
        let isWithinFrame = reader.isWithinFrame && !isHeldBack
        if isWithinFrame != self.isWithinFrame || isWithinFrame && reader.frameCount != before {
            self.isWithinFrame = isWithinFrame
            links.notePart(isWithinFrame, of: link)
        }
        tellEnd()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOver = true
        tellEnd()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // That a connection is reset, or TLS not ended, is one of the ways in which peers end it.
        let isEnd =
            (error as? NIOSSLError).map { if case .uncleanShutdown = $0 { true } else { false } } ?? (error is IOError)
        if !isEnd { why = TCPTransport.reason(error) }
        context.close(promise: nil)
    }

    private func tellEnd() {
        guard isOver, !isHeldBack, let (link, _) = standing else { return }
        standing = nil
        links.end(link, why)
    }
}
