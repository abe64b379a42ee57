// The lines that begin with a slash.

import PeerIdentity

extension ChatCommand {
    static func command(_ text: Substring, in context: ChatCommandContext) throws(ChatError) -> ChatCommand {
        let word = text.prefix { !$0.isWhitespace }
        var rest = text.dropFirst(word.count).drop(while: \.isWhitespace)
        while rest.last?.isWhitespace == true { rest.removeLast() }
        guard let name = CommandName(rawValue: word.lowercased()) else { throw unknown(word) }
        switch name {
        case .help: return try help(rest)
        case .history: return try history(rest)
        case .room: return try room(rest)
        case .who, .rooms, .outbox, .quit:
            guard rest.isEmpty else {
                throw ChatError(.badCommand, "/\(name.rawValue) stands alone: write \(name.usage)")
            }
            return switch name {
            case .who: .who
            case .rooms: .rooms
            case .outbox: .outbox
            default: .quit
            }
        case .verify: return .verify(try name.argument(rest))
        case .trust: return .trust(try name.argument(rest))
        case .block: return .block(try name.argument(rest))
        case .unblock: return .unblock(try name.argument(rest))
        case .plain: return .plain(try name.argument(rest))
        case .drop: return .drop(try name.argument(rest))
        }
    }

    private static func unknown(_ word: Substring) -> ChatError {
        let shown = VisibleText.word(String(word), charactersMax: 40)
        let nearest = CommandName.nearest(to: word.lowercased()).map { "did you mean /\($0.rawValue)? " } ?? ""
        return ChatError(
            .badCommand,
            "there is no command /\(shown); \(nearest)/help lists them (a message that begins with / is written with //)"
        )
    }

    private static func help(_ rest: Substring) throws(ChatError) -> ChatCommand {
        guard !rest.isEmpty else { return .help(nil) }
        let word = rest.first == "/" ? rest.dropFirst() : rest
        guard let name = CommandName(rawValue: word.lowercased()) else { throw unknown(word) }
        return .help(name)
    }

    private static func history(_ rest: Substring) throws(ChatError) -> ChatCommand {
        guard !rest.isEmpty else { return .history(20) }
        guard let count = Int(rest), (1...historyLinesMax).contains(count) else {
            throw ChatError(.badCommand, "/history takes a number of lines from 1 to \(historyLinesMax)")
        }
        return .history(count)
    }

    /// `NAME`, `NAME -`, `NAME a b c`, or with commas `NAME a, Anna Maria, c`.
    private static func room(_ rest: Substring) throws(ChatError) -> ChatCommand {
        let word = rest.prefix { !$0.isWhitespace }
        guard !word.isEmpty else { throw ChatError(.badCommand, "which room? Write \(CommandName.room.usage)") }
        let name = try name(word.last == ":" ? word.dropLast() : word)
        let list = rest.dropFirst(word.count).drop(while: \.isWhitespace)
        if list == "-" { return .removeRoom(name) }
        var members: [PeerIdentifier] = []
        let parts = list.contains(",") ? list.split(separator: ",") : list.split(whereSeparator: \.isWhitespace)
        for part in parts where part.contains(where: { !$0.isWhitespace }) {
            let member = try self.name(part)
            if !members.contains(member) { members.append(member) }
        }
        guard members.count <= ChatRooms.membersMax else {
            throw ChatError(.badCommand, "\(members.count) members: a room has at most \(ChatRooms.membersMax)")
        }
        return .room(name, members: members)
    }
}

extension CommandName {
    /// The one name that the command takes.
    fileprivate func argument(_ text: Substring) throws(ChatError) -> PeerIdentifier {
        guard !text.isEmpty else { throw ChatError(.badCommand, "whose? Write \(usage)") }
        return try ChatCommand.name(text.last == ":" ? text.dropLast() : text)
    }

    /// The command that `word` was probably meant to be: one that it begins, or at most two letters away.
    static func nearest(to word: String) -> CommandName? {
        guard word.count <= 20 else { return nil }
        let begun = allCases.filter { !word.isEmpty && $0.rawValue.hasPrefix(word) }
        if let first = begun.first { return first }
        let distances = allCases.map { (name: $0, distance: distance(word, $0.rawValue)) }
        guard let nearest = distances.min(by: { $0.distance < $1.distance }), nearest.distance <= 2 else { return nil }
        return nearest.distance < word.count ? nearest.name : nil
    }

    /// Letters to insert, remove or exchange (Levenshtein).
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (index, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (letter == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
