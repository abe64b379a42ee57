// How a connection writes: head and small body in one buffer and one write, large ones a window at a time, files by
// sendfile.

import HTTP
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What is left of a body that is written by and by, and whether a chunk ends with it.
struct PendingBody {
    var rest: BodyChunk
    let endsChunk: Bool
}

extension Connection {
    /// Bodies in memory up to this are copied behind their head; larger ones are written in windows of this size.
    private var windowBytes: Int {
        // With TLS a window is eight records for one system call: 0.38 instead of 0.64 CPU seconds per GB.
        isSecure ? 128 * 1024 : 64 * 1024
    }

    /// Writes the context's output.
    func send(_ channelContext: ChannelHandlerContext) {
        guard lane.context.hasOutput() else { return }
        lane.writeBuffer.clear()
        lane.writeBuffer.writeBytes(lane.context.output.output)
        lane.context.clearOutput()
        guard let body = lane.context.output.body.take() else {
            return flush(channelContext)
        }
        let endsChunk = lane.context.bodyEndsChunk
        lane.context.bodyEndsChunk = false
        if case .file(let region) = body, !isSecure {
            return send(region, endsChunk: endsChunk, channelContext)
        }
        // What is to be encrypted must be in memory, a file too.
        pendingBody = PendingBody(rest: body, endsChunk: endsChunk)
        guard fillWriteBuffer() else { return failBody() }
        flush(channelContext)
        sendPendingBody(channelContext)
    }

    /// Forgets output that has nowhere to go.
    func dropOutput() {
        lane.context.clearOutput()
        lane.context.output.body = nil
        lane.context.bodyEndsChunk = false
    }

    /// Writes more of a body in memory, as long as the client takes it.
    func sendPendingBody(_ channelContext: ChannelHandlerContext) {
        // The channel may report a change of writability from within the write.
        let wasPerforming = isPerforming
        isPerforming = true
        defer { isPerforming = wasPerforming }
        while pendingBody != nil, channelContext.channel.isWritable {
            lane.writeBuffer.clear()
            guard fillWriteBuffer() else { return failBody() }
            flush(channelContext)
        }
        if pendingBody == nil, let kind = pendingClose.take() { close(kind, channelContext) }
    }

    /// Copies the next window of the pending body behind what is in the buffer; false if it cannot be had.
    private func fillWriteBuffer() -> Bool {
        guard let body = pendingBody else { return true }
        let count = min(body.rest.count, windowBytes)
        let isLast = count == body.rest.count
        switch body.rest {
        case .bytes(let bytes):
            lane.writeBuffer.writeBytes(bytes.prefix(count))
            if !isLast { pendingBody?.rest = .bytes(bytes.dropFirst(count)) }
        case .file(var region):
            guard lane.writeBuffer.read(region, count: count) else { return false }
            region.offset += Int64(count)
            region.count -= count
            if !isLast { pendingBody?.rest = .file(region) }
        }
        guard isLast else { return true }
        if body.endsChunk { lane.writeBuffer.writeInteger(UInt16(0x0d0a)) }
        pendingBody = nil
        return true
    }

    /// A file that is shorter than it was must not look like its end: a reset.
    private func failBody() {
        if case .file(let region)? = pendingBody?.rest { region.reportIfLost() }
        pendingBody = nil
        engine.abort(in: &lane.context)
    }

    private func flush(_ channelContext: ChannelHandlerContext) {
        if isSecure {
            if lane.writeBuffer.readableBytes >= CiphertextMemory.keptBytes { watchCiphertext(channelContext) }
            ciphertextMemory?.prepareToWrite()
        }
        channelContext.writeAndFlush(wrapOutboundOut(.byteBuffer(lane.writeBuffer)), promise: nil)
    }

    private func send(_ region: HTTP.FileRegion, endsChunk: Bool, _ channelContext: ChannelHandlerContext) {
        // The descriptor stays the file's: the handle only lends it to NIO, and gives it up without closing it.
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: region.file.descriptor)
        let promise = channelContext.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { result in
            // Cannot fail: nobody else closes the handle, and NIO is done with it.
            _ = try? handle.takeDescriptorOwnership()
            if case .failure = result { region.reportIfLost() }
        }
        let start = Int(region.offset)
        let part = NIOCore.FileRegion(fileHandle: handle, readerIndex: start, endIndex: start + region.count)
        channelContext.write(wrapOutboundOut(.byteBuffer(lane.writeBuffer)), promise: nil)
        channelContext.write(wrapOutboundOut(.fileRegion(part)), promise: promise)
        if endsChunk {
            var end = ByteBuffer()
            end.writeInteger(UInt16(0x0d0a))
            channelContext.write(wrapOutboundOut(.byteBuffer(end)), promise: nil)
        }
        channelContext.flush()
    }

    // MARK: Ending

    func close(_ kind: EngineClose, _ channelContext: ChannelHandlerContext) {
        switch kind {
        case .abort:
            pendingBody = nil
            // SO_LINGER 0: a reset, so that not even a client that reads until the end takes this for one. Fails only
            // on a closed socket.
            let now = linger(l_onoff: 1, l_linger: 0)
            _ = (channelContext.channel as? any SocketOptionProvider)?.setSoLinger(now)
            closeAtOnce(channelContext)
        case .flush, .linger:
            guard pendingBody == nil else {
                pendingClose = kind
                return
            }
            if kind == .linger {
                // NIO holds this back until what was written before is out.
                channelContext.close(mode: .output, promise: nil)
            } else if isSecure {
                closeSecurely(channelContext)
            } else if bufferedBytes(channelContext) == 0 {
                channelContext.close(promise: nil)
            } else {
                let channel = channelContext.channel
                let promise = channelContext.eventLoop.makePromise(of: Void.self)
                promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
                channelContext.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: promise)
            }
        }
    }

    /// Octets that NIO holds because the socket does not take them.
    func bufferedBytes(_ channelContext: ChannelHandlerContext) -> Int {
        // Fails only on a closed channel.
        (try? channelContext.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}

extension ByteBuffer {
    /// Reads the first `count` octets of a region behind what is here; false if the file has no more so many.
    fileprivate mutating func read(_ region: HTTP.FileRegion, count: Int) -> Bool {
        var filled = 0
        while filled < count {
            let offset = off_t(region.offset) + off_t(filled)
            let got = writeWithUnsafeMutableBytes(minimumWritableBytes: count - filled) { room in
                max(0, pread(region.file.descriptor, room.baseAddress, min(room.count, count - filled), offset))
            }
            guard got > 0 else { return false }
            filled += got
        }
        return true
    }
}

extension SocketAddress {
    /// `address:port`, IPv6 addresses in brackets; empty for addresses without a port.
    var hostAndPort: String {
        guard let ipAddress, let port else { return "" }
        return ipAddress.contains(":") ? "[\(ipAddress)]:\(port)" : "\(ipAddress):\(port)"
    }
}
