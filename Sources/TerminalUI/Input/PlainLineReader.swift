// Lines from a pipe, a file or a terminal without cursor keys.

/// Cuts bytes at LF, CR LF tolerated; a line of more than ``bytesMax`` bytes is thrown away whole and reported.
struct PlainLineReader: Sendable {
    let bytesMax: Int
    private var held: [UInt8] = []
    /// The bytes of the line so far; more than are held once it is too long.
    private var count = 0

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// The lines that `bytes` complete; what is not UTF-8 in them is U+FFFD.
    mutating func receive(_ bytes: some Sequence<UInt8>) -> [TerminalInput] {
        var inputs: [TerminalInput] = []
        for byte in bytes {
            if byte == 0x0a {
                inputs.append(finishLine())
            } else {
                count += 1
                // One more is held, for the CR of a longest line.
                if count <= bytesMax + 1 { held.append(byte) }
            }
        }
        return inputs
    }

    /// The line that was not ended before the end, if there is one.
    mutating func finish() -> [TerminalInput] {
        count == 0 ? [] : [finishLine()]
    }

    private mutating func finishLine() -> TerminalInput {
        defer { (held, count) = ([], 0) }
        if held.last == 0x0d, held.count == count {
            held.removeLast()
            count -= 1
        }
        guard count <= bytesMax else { return .tooLong(bytes: count, bytesMax: bytesMax) }
        return .line(String(decoding: held, as: UTF8.self))
    }
}
