// The seam to whatever shows a conversation: a terminal, a pipe.

/// One or more lines to be shown in one piece; every part is safe to show.
package enum ChatLine: Sendable, Hashable {
    /// What somebody said: `from` in front, as in `Bob` or `(not encrypted) Bob`.
    case message(from: String, text: String)
    /// What we said, after it was kept.
    case sent(to: String, text: String)
    /// A message of ours was delivered.
    case delivered(String)
    /// Something that a person should know or do something about.
    case warning(String)
    /// Something that cannot be done or was not done.
    case failure(String)
    /// An answer to a command, or news.
    case information(String)
}

/// Shows lines to a person.
package protocol ChatDisplay: Sendable {
    /// How texts from the network are to be written.
    var output: VisibleText.Output { get }

    /// Shows `line`; waits while too much waits to be shown.
    func show(_ line: ChatLine) async

    /// Returns when everything shown before has left the process, as far as that can be known; false: nobody can see it.
    func flush() async -> Bool
}
