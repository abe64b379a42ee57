// What a connection has to send and the socket has not taken yet.

#if os(Linux)
import HTTP

/// Runs of octets in order; takes no memory while it is empty.
///
/// Bounded by the engine, which produces nothing more until all of it is out but what was on its way already.
struct Outbox {
    /// How far sending came.
    enum Outcome {
        /// Everything is out.
        case drained
        /// The socket is full.
        case blocked
        /// The bound of one call is reached; the socket may take more.
        case paused
        /// The connection is gone, or the octets cannot be had.
        case failed
    }

    private var segments: [BodyChunk] = []
    private var first = 0

    var isEmpty: Bool { segments.isEmpty }

    mutating func append(_ segment: BodyChunk) {
        if segment.count > 0 { segments.append(segment) }
    }

    mutating func removeAll() {
        segments = []
        first = 0
    }

    /// Sends until all is out, the socket is full, or `bytesMax` octets are out; `sent` counts them.
    mutating func flush(to socket: Int32, bytesMax: Int, sent: inout Int) -> Outcome {
        while first < segments.count {
            guard sent < bytesMax else { return .paused }
            let outcome =
                switch segments[first] {
                case .bytes(let bytes):
                    bytes.withUnsafeBytes {
                        SocketCall.send(socket, $0, isMoreComing: isFollowedByBytes)
                    }
                case .file(let region): SocketCall.send(socket, region, bytesMax: bytesMax - sent)
                }
            switch outcome {
            case .moved(let count):
                sent += count
                drop(count)
            case .wouldBlock: return .blocked
            case .ended, .failed:
                if case .file(let region) = segments[first] { region.reportIfLost() }
                return .failed
            }
        }
        removeAll()
        return .drained
    }

    private var isFollowedByBytes: Bool {
        guard first + 1 < segments.count, case .bytes = segments[first + 1] else { return false }
        return true
    }

    /// Takes octets off the first segment.
    private mutating func drop(_ count: Int) {
        switch segments[first] {
        case .bytes(var bytes):
            bytes.removeFirst(count)
            segments[first] = .bytes(bytes)
        case .file(var region):
            region.offset += Int64(count)
            region.count -= count
            segments[first] = .file(region)
        }
        if segments[first].count == 0 { first += 1 }
    }
}
#endif
