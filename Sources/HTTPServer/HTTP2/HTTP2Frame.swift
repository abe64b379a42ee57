// The frames of HTTP/2 (RFC 9113 section 4.1) as numbers: types, flags, error codes and settings.

/// The nine octets before each frame's payload.
struct HTTP2FrameHeader: Sendable, Equatable {
    static let count = 9

    let length: Int
    /// As on the wire: types that nobody knows are to be ignored (section 5.5).
    let type: UInt8
    let flags: UInt8
    /// Without the reserved bit.
    let streamID: UInt32

    /// Reads the octets at `at`; there must be nine.
    init(_ octets: Span<UInt8>, at: Int) {
        length = Int(octets[at]) << 16 | Int(octets[at + 1]) << 8 | Int(octets[at + 2])
        type = octets[at + 3]
        flags = octets[at + 4]
        streamID = octets.bigEndian32(at: at + 5) & 0x7fff_ffff
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
}

/// Frame types (section 6).
enum HTTP2FrameType {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let rstStream: UInt8 = 3
    static let settings: UInt8 = 4
    static let pushPromise: UInt8 = 5
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
}

/// Flags, whose meaning depends on the frame's type.
enum HTTP2Flag {
    static let endStream: UInt8 = 0x01
    static let ack: UInt8 = 0x01
    static let endHeaders: UInt8 = 0x04
    static let padded: UInt8 = 0x08
    static let priority: UInt8 = 0x20
}

/// Error codes (section 7).
enum HTTP2ErrorCode: UInt32, Error, Sendable {
    case noError = 0
    case protocolError = 1
    case internalError = 2
    case flowControlError = 3
    case settingsTimeout = 4
    case streamClosed = 5
    case frameSizeError = 6
    case refusedStream = 7
    case cancel = 8
    case compressionError = 9
    case connectError = 10
    case enhanceYourCalm = 11
    case inadequateSecurity = 12
    case http11Required = 13
}

/// Settings (section 6.5.2, RFC 9218 section 2.1).
enum HTTP2Setting {
    static let headerTableSize: UInt16 = 1
    static let enablePush: UInt16 = 2
    static let maxConcurrentStreams: UInt16 = 3
    static let initialWindowSize: UInt16 = 4
    static let maxFrameSize: UInt16 = 5
    static let maxHeaderListSize: UInt16 = 6
    static let noRFC7540Priorities: UInt16 = 9
}

/// What both sides start from.
enum HTTP2Default {
    /// What a client sends first (section 3.4).
    static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    static let window = 65535
    static let windowMax = 0x7fff_ffff
    static let frameBytesMax = 16384
    static let headerTableBytes = 4096
}

extension Span<UInt8> {
    /// Four octets as a number; they must be there.
    func bigEndian32(at index: Int) -> UInt32 {
        UInt32(self[index]) << 24 | UInt32(self[index + 1]) << 16 | UInt32(self[index + 2]) << 8
            | UInt32(self[index + 3])
    }
}

// MARK: Writing

extension [UInt8] {
    /// Appends a frame's header.
    mutating func append(frame type: UInt8, flags: UInt8, stream: UInt32, length: Int) {
        append(UInt8(truncatingIfNeeded: length >> 16))
        append(UInt8(truncatingIfNeeded: length >> 8))
        append(UInt8(truncatingIfNeeded: length))
        append(type)
        append(flags)
        append(bigEndian32: stream)
    }

    /// Sets the length in the header of the frame that begins at `start` and ends here.
    mutating func setLength(ofFrameAt start: Int) {
        let length = count - start - HTTP2FrameHeader.count
        self[start] = UInt8(truncatingIfNeeded: length >> 16)
        self[start + 1] = UInt8(truncatingIfNeeded: length >> 8)
        self[start + 2] = UInt8(truncatingIfNeeded: length)
    }

    mutating func append(bigEndian32 value: UInt32) {
        append(UInt8(truncatingIfNeeded: value >> 24))
        append(UInt8(truncatingIfNeeded: value >> 16))
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    /// Appends a SETTINGS frame.
    mutating func append(settings: [(UInt16, UInt32)]) {
        append(frame: HTTP2FrameType.settings, flags: 0, stream: 0, length: settings.count * 6)
        for (setting, value) in settings {
            append(UInt8(truncatingIfNeeded: setting >> 8))
            append(UInt8(truncatingIfNeeded: setting))
            append(bigEndian32: value)
        }
    }

    /// Appends a RST_STREAM frame.
    mutating func append(reset stream: UInt32, _ code: HTTP2ErrorCode) {
        append(frame: HTTP2FrameType.rstStream, flags: 0, stream: stream, length: 4)
        append(bigEndian32: code.rawValue)
    }

    /// Appends a WINDOW_UPDATE frame.
    mutating func append(windowUpdate increment: Int, stream: UInt32) {
        append(frame: HTTP2FrameType.windowUpdate, flags: 0, stream: stream, length: 4)
        append(bigEndian32: UInt32(truncatingIfNeeded: increment))
    }

    /// Appends a GOAWAY frame.
    mutating func append(goAway code: HTTP2ErrorCode, lastStream: UInt32) {
        append(frame: HTTP2FrameType.goAway, flags: 0, stream: 0, length: 8)
        append(bigEndian32: lastStream)
        append(bigEndian32: code.rawValue)
    }

    /// Appends a PING frame.
    mutating func append(ping payload: Span<UInt8>, isAck: Bool) {
        append(frame: HTTP2FrameType.ping, flags: isAck ? HTTP2Flag.ack : 0, stream: 0, length: payload.count)
        payload.withUnsafeBufferPointer { append(contentsOf: $0) }
    }
}
