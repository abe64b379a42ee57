// Makes keys of the bytes of a terminal, however they are cut into reads.

/// A pure decoder of UTF-8, ECMA-48 control sequences (CSI, SS3) and bracketed paste (xterm, `ESC[?2004h`).
///
/// Holds at most ``pasteBytesMax`` bytes of a paste and 32 of a sequence; unknown sequences are swallowed whole.
struct InputDecoder: Sendable {
    /// Longer pastes are refused.
    let pasteBytesMax: Int

    private enum State {
        case ground
        case escape
        case csi
        case ss3
        case paste
    }

    private var state = State.ground
    /// The parameters of the sequence, or the bytes of an unfinished character, by state.
    private var held: [UInt8] = []
    private var pasted: [UInt8] = []
    private var pastedCount = 0
    /// How much of `ESC[201~` the last bytes of a paste were.
    private var matched = 0
    private var afterReturn = false

    private static let pasteEnd: [UInt8] = Array("\u{1b}[201~".utf8)
    private static let sequenceBytesMax = 32

    init(pasteBytesMax: Int) {
        self.pasteBytesMax = pasteBytesMax
    }

    /// The keys that `bytes` complete.
    mutating func decode(_ bytes: some Sequence<UInt8>) -> [Key] {
        var keys: [Key] = []
        for byte in bytes { decode(byte, into: &keys) }
        return keys
    }

    private mutating func decode(_ byte: UInt8, into keys: inout [Key]) {
        switch state {
        case .ground: ground(byte, into: &keys)
        case .escape: escape(byte, into: &keys)
        case .csi: csi(byte, into: &keys)
        case .ss3:
            state = .ground
            if byte == 0x1b { state = .escape } else if let key = Self.letterKey(byte, []) { keys.append(key) }
        case .paste: paste(byte, into: &keys)
        }
    }

    private mutating func ground(_ byte: UInt8, into keys: inout [Key]) {
        if !held.isEmpty {
            if (0x80..<0xc0).contains(byte) {
                held.append(byte)
                if held.count == Self.length(of: held[0]) { finishCharacter(into: &keys) }
                return
            }
            finishCharacter(into: &keys)
        }
        defer { afterReturn = byte == 0x0d }
        switch byte {
        case 0x1b: state = .escape
        case 0x0d: keys.append(.enter)
        case 0x0a: if !afterReturn { keys.append(.enter) }
        case 0x09: keys.append(.tab)
        case 0x08, 0x7f: keys.append(.backspace)
        case 0x01...0x1a: keys.append(.control(Character(Unicode.Scalar(byte + 0x60))))
        case 0x00, 0x1c...0x1f: break
        case 0x20..<0x7f: append(String(Unicode.Scalar(byte)), to: &keys)
        default:
            held = [byte]
            if Self.length(of: byte) == 1 { finishCharacter(into: &keys) }
        }
    }

    private mutating func escape(_ byte: UInt8, into keys: inout [Key]) {
        state = .ground
        switch byte {
        case UInt8(ascii: "["):
            state = .csi
            held = []
        case UInt8(ascii: "O"): state = .ss3
        case 0x1b: state = .escape
        case 0x7f, 0x08: keys.append(.alt("\u{7f}"))
        case 0x20..<0x7f: keys.append(.alt(Character(Unicode.Scalar(byte))))
        default: ground(byte, into: &keys)
        }
    }

    private mutating func csi(_ byte: UInt8, into keys: inout [Key]) {
        switch byte {
        case 0x20..<0x40:
            // Longer than any sequence of a key: its end is awaited, its text is not kept.
            if held.count < Self.sequenceBytesMax { held.append(byte) }
        case 0x40..<0x7f:
            state = .ground
            let parameters = held
            held = []
            if byte == UInt8(ascii: "~"), parameters == Array("200".utf8) {
                (state, pasted, pastedCount, matched) = (.paste, [], 0, 0)
            } else if let key = Self.key(parameters, byte) {
                keys.append(key)
            }
        default:
            // ECMA-48 section 5.4: no other byte belongs into a sequence, so this one begins something new.
            (state, held) = (.ground, [])
            ground(byte, into: &keys)
        }
    }

    private mutating func paste(_ byte: UInt8, into keys: inout [Key]) {
        if byte == Self.pasteEnd[matched] {
            matched += 1
            guard matched == Self.pasteEnd.count else { return }
            state = .ground
            keys.append(pastedCount > pasteBytesMax ? .pasteTooLong(pastedCount) : .paste(Self.text(pasted)))
            pasted = []
            return
        }
        keep(Self.pasteEnd.prefix(matched))
        matched = byte == Self.pasteEnd[0] ? 1 : 0
        if matched == 0 { keep(CollectionOfOne(byte)) }
    }

    private mutating func keep(_ bytes: some Collection<UInt8>) {
        pastedCount += bytes.count
        if pastedCount <= pasteBytesMax { pasted.append(contentsOf: bytes) } else { pasted = [] }
    }

    private mutating func finishCharacter(into keys: inout [Key]) {
        append(String(decoding: held, as: UTF8.self), to: &keys)
        held = []
    }

    /// C1 controls are not typed by anybody; they are left out.
    private func append(_ text: String, to keys: inout [Key]) {
        if let scalar = text.unicodeScalars.first, (0x80..<0xa0).contains(scalar.value) { return }
        if case .text(let before) = keys.last {
            keys[keys.count - 1] = .text(before + text)
        } else {
            keys.append(.text(text))
        }
    }

    private static func length(of lead: UInt8) -> Int {
        switch lead {
        case 0xc2..<0xe0: 2
        case 0xe0..<0xf0: 3
        case 0xf0..<0xf5: 4
        default: 1
        }
    }

    /// Line breaks as LF, other control characters but the tab left out.
    private static func text(_ bytes: [UInt8]) -> String {
        var scalars = String.UnicodeScalarView()
        var afterReturn = false
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            defer { afterReturn = scalar == "\r" }
            switch scalar.value {
            case 0x0d: scalars.append("\n")
            case 0x0a: if !afterReturn { scalars.append("\n") }
            case 0x09: scalars.append(scalar)
            case 0..<0x20, 0x7f..<0xa0: break
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// The keys of xterm, rxvt and the Linux console; a modifier of 3 (Alt), 5 (Ctrl) or more moves by words.
    private static func key(_ parameters: [UInt8], _ final: UInt8) -> Key? {
        let numbers = parameters.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map {
            Int(String(decoding: $0, as: UTF8.self)) ?? 0
        }
        guard final == UInt8(ascii: "~") else { return letterKey(final, numbers) }
        return switch numbers.first {
        case 1, 7: .home
        case 4, 8: .end
        case 3: .delete
        default: nil
        }
    }

    private static func letterKey(_ letter: UInt8, _ numbers: [Int]) -> Key? {
        let byWord = numbers.count > 1 && numbers[1] >= 3
        return switch letter {
        case UInt8(ascii: "A"): .up
        case UInt8(ascii: "B"): .down
        case UInt8(ascii: "C"): byWord ? .wordRight : .right
        case UInt8(ascii: "D"): byWord ? .wordLeft : .left
        case UInt8(ascii: "H"): .home
        case UInt8(ascii: "F"): .end
        case UInt8(ascii: "M"): .enter
        default: nil
        }
    }
}
