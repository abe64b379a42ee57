// What a person does at the keyboard, or a program at the other end of a pipe, as values.

/// One thing that came from the terminal.
package enum TerminalInput: Sendable, Hashable {
    /// A line was entered.
    case line(String)
    /// Several lines were pasted, and the person confirmed that they are to be sent.
    case pasted([String])
    /// A line of a pipe, or a paste, had so many bytes, more than allowed: it was thrown away whole.
    case tooLong(bytes: Int, bytesMax: Int)
    /// Ctrl-C, or Ctrl-D on an empty line.
    case end
}
