// What a person does at the keyboard, as values.

/// One thing that came from the terminal.
package enum TerminalInput: Sendable, Hashable {
    /// A line was entered.
    case line(String)
    /// Several lines were pasted, and the person confirmed that they are to be sent.
    case pasted([String])
    /// Ctrl-C, or Ctrl-D on an empty line.
    case end
}
