// A history as text: what a conversation shows of what was said, a line for each message.

/// Writes down what was said as it is shown, and shows it.
///
/// A message stands there as often as it was shown, and is written before it is noted as shown: a kill loses none.
package struct WrittenHistory: ChatDisplay {
    private let display: any ChatDisplay
    private let now: @Sendable () -> UInt64
    private let append: @Sendable (String) -> ChatError?

    /// - Parameters:
    ///   - display: Where lines are shown.
    ///   - now: Milliseconds since 1970.
    ///   - append: Adds a line, without line feed; says why if it cannot, for the person to see.
    package init(
        shownBy display: any ChatDisplay,
        now: @escaping @Sendable () -> UInt64,
        append: @escaping @Sendable (String) -> ChatError?
    ) {
        (self.display, self.now, self.append) = (display, now, append)
    }

    package var output: VisibleText.Output { display.output }

    package func show(_ line: ChatLine) async {
        let said: String? =
            switch line {
            case .message(let from, let text): "\(from): \(text)"
            // No name begins with the sign.
            case .sent(let to, let text): "> \(to): \(text)"
            case .delivered, .warning, .failure, .information: nil
            }
        if let said {
            // On a terminal, line breaks are shown as such.
            let onOneLine = said.replacing("\n" + VisibleText.indentation, with: "\\n").replacing("\n", with: "\\n")
            if let error = append("\(UTCTime.text(now())) \(onOneLine)") {
                await display.show(.warning(error.message))
            }
        }
        await display.show(line)
    }

    package func flush() async -> Bool {
        await display.flush()
    }

    /// The last `count` lines of a file's end, safe to show whoever wrote them.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - octets: The end of the file.
    ///   - isWhole: Whether that is all of it; if not, the first line is half of one.
    /// - Returns: The lines, oldest first.
    package static func lines(_ count: Int, in octets: [UInt8], isWhole: Bool) -> [String] {
        let parts = octets.split(separator: UInt8(ascii: "\n")).dropFirst(isWhole ? 0 : 1).suffix(count)
        return parts.map { part in
            // The isolates of what was written are put there anew.
            var scalars = String(decoding: part, as: UTF8.self).unicodeScalars
            scalars.removeAll { $0 == "\u{2068}" || $0 == "\u{2069}" }
            return VisibleText.message(String(scalars), for: .pipe)
        }
    }
}
