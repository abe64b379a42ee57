// From a stream to frames: four octets of length, then so many octets.

/// Cuts what comes into payloads, with a bound on each.
struct FrameReader {
    /// The first four octets are a length that is not to be believed.
    struct TooLong: Error {
        let length: Int
    }

    static let headByteCount = 4

    /// More room than that is not kept for frames that may come.
    private static let keptBytesMax = 256 << 10

    private var buffer: [UInt8] = []
    private var start = 0
    /// How many payloads were taken.
    private(set) var count = 0

    /// Whether there is a part of a frame that has not come whole.
    var isWithinFrame: Bool { start < buffer.count }

    mutating func append(_ octets: some Collection<UInt8>) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            start = 0
        } else if start > 1 << 16, start > buffer.count / 2 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: octets)
    }

    /// The next payload, of at most `lengthMax` octets; nil until more comes.
    mutating func next(lengthMax: Int) throws(TooLong) -> ArraySlice<UInt8>? {
        let bytes = buffer.count - start
        guard bytes >= Self.headByteCount else {
            if bytes == 0, buffer.capacity > Self.keptBytesMax { (buffer, start) = ([], 0) }
            return nil
        }
        let length = buffer[start..<start + Self.headByteCount].reduce(0) { $0 << 8 | Int($1) }
        guard length <= lengthMax else { throw TooLong(length: length) }
        guard bytes >= Self.headByteCount + length else { return nil }
        defer {
            start += Self.headByteCount + length
            count += 1
        }
        return buffer[start + Self.headByteCount..<start + Self.headByteCount + length]
    }

    /// The frame around `payload`.
    static func frame(_ payload: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        LinkWriter.append(frameAround: payload, to: &frame)
        return frame
    }
}
