// What a typed line means.

package import PeerIdentity

/// One thing that a person asked for.
package enum ChatCommand: Sendable, Hashable {
    /// A text for one or more peers; rooms are already their members.
    case send(text: String, to: [PeerIdentifier])
    /// The whole help, or that of one command.
    case help(CommandName?)
    case who
    /// The last so many lines.
    case history(Int)
    case verify(PeerIdentifier)
    /// Accept the changed key of a name.
    case trust(PeerIdentifier)
    case block(PeerIdentifier)
    case unblock(PeerIdentifier)
    /// Allow plain text to a peer without a key.
    case plain(PeerIdentifier)
    /// Keep a room; no members: show it.
    case room(PeerIdentifier, members: [PeerIdentifier])
    case removeRoom(PeerIdentifier)
    case rooms
    case outbox
    /// Give up what is queued for a name.
    case drop(PeerIdentifier)
    case quit
    /// A blank line.
    case nothing
}

/// What the meaning of a line depends on.
package struct ChatCommandContext: Sendable {
    /// Whom a line without `@` goes to.
    package var lastRecipients: [PeerIdentifier]
    package var rooms: ChatRooms

    package init(lastRecipients: [PeerIdentifier] = [], rooms: ChatRooms = ChatRooms()) {
        (self.lastRecipients, self.rooms) = (lastRecipients, rooms)
    }
}

extension ChatCommand {
    /// Bytes of one message.
    package static let textBytesMax = 16 << 10
    /// Peers that one line goes to.
    package static let recipientsMax = 64
    package static let historyLinesMax = 1_000

    /// The meaning of one line.
    ///
    /// `@NAME: text` and `@a, b: text` name recipients, a name ending at the first colon; `@@` and `//` begin a text
    /// with `@` or `/`; `/` begins a command; anything else goes to the last recipients.
    ///
    /// - Throws: ``ChatError`` with `badCommand` or `badMessage`: what is wrong with the line and how to write it.
    package static func parse(_ line: String, in context: ChatCommandContext) throws(ChatError) -> ChatCommand {
        // A blank in front must not make a text of a command, and send it to someone.
        let line = line.drop(while: \.isWhitespace)
        if line.isEmpty { return .nothing }
        if line.hasPrefix("@@") || line.hasPrefix("//") {
            return try send(line.dropFirst(), to: context.lastRecipients)
        }
        if line.hasPrefix("/") { return try command(line.dropFirst(), in: context) }
        guard line.hasPrefix("@") else { return try send(line, to: context.lastRecipients) }
        guard let colon = line.firstIndex(of: ":") else {
            let name = line.dropFirst().prefix { !$0.isWhitespace }
            throw ChatError(
                .badCommand,
                "\(line.prefix(60)): a colon is missing after the name; write @\(name.isEmpty ? "NAME" : name): message "
                    + "(a message that begins with @ is written with @@)"
            )
        }
        let to = try recipients(line[line.index(after: line.startIndex)..<colon], in: context)
        return try send(line[line.index(after: colon)...], to: to)
    }

    /// The meaning of several pasted lines, which is one message.
    ///
    /// Its first line may name recipients; there are no commands.
    ///
    /// - Throws: ``ChatError`` with `badMessage` if it is too long or there is nobody to send it to.
    package static func parse(pasted lines: [String], in context: ChatCommandContext) throws(ChatError) -> ChatCommand {
        let text = lines.joined(separator: "\n")
        guard text.contains(where: { !$0.isWhitespace }) else { return .nothing }
        if let first = lines.first, first.hasPrefix("@"), let colon = first.firstIndex(of: ":") {
            // A first line that only looks like it, as in a program, is text.
            let names = first[first.index(after: first.startIndex)..<colon]
            if let to = try? recipients(names, in: context) {
                return try send(text.dropFirst(first[...colon].count), to: to)
            }
        }
        return try send(text[...], to: context.lastRecipients)
    }

    private static func send(_ text: Substring, to recipients: [PeerIdentifier]) throws(ChatError) -> ChatCommand {
        guard !recipients.isEmpty else {
            throw ChatError(.badMessage, "nobody to send this to yet: write @NAME: message first")
        }
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        guard !text.isEmpty else { throw ChatError(.badMessage, "the message is empty: write a text after the colon") }
        guard text.utf8.count <= textBytesMax else {
            throw ChatError(
                .badMessage,
                "the message has \(text.utf8.count) bytes, and at most \(textBytesMax) can be sent at once: send it in parts"
            )
        }
        return .send(text: String(text), to: recipients)
    }

    /// Names between commas, each once; a room stands for its members.
    private static func recipients(
        _ text: Substring,
        in context: ChatCommandContext
    ) throws(ChatError) -> [PeerIdentifier] {
        var names: [PeerIdentifier] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = try name(part)
            for member in context.rooms.members(of: name) ?? [name] where !names.contains(member) {
                names.append(member)
            }
        }
        guard names.count <= recipientsMax else {
            throw ChatError(.badCommand, "\(names.count) recipients: a message goes to at most \(recipientsMax)")
        }
        return names
    }

    /// A name as people write it: with blanks around it and an `@` in front, or without.
    static func name(_ text: some StringProtocol) throws(ChatError) -> PeerIdentifier {
        var text = text.drop(while: \.isWhitespace)
        if text.first == "@" { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        guard !text.isEmpty else { throw ChatError(.badCommand, "a name is missing") }
        do {
            return try PeerIdentifier(String(text))
        } catch {
            throw ChatError(.badCommand, "'\(VisibleText.word(String(text), charactersMax: 80))' is no name: \(error)")
        }
    }
}
