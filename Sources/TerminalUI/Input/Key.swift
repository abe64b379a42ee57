// What a key press, or what arrives like one, means to a line editor.

/// One thing that the decoder made out of the terminal's bytes.
enum Key: Hashable, Sendable {
    /// Printable scalars, as many as came together; never a control character.
    case text(String)
    /// Ctrl and a letter, in lower case.
    case control(Character)
    /// Alt, or Escape and then the character.
    case alt(Character)
    case enter, tab, backspace, delete
    case up, down, left, right, home, end, wordLeft, wordRight
    /// What stood between the brackets of a bracketed paste; line breaks are LF.
    case paste(String)
    /// A paste of so many bytes, more than allowed; it was thrown away.
    case pasteTooLong(Int)
}
