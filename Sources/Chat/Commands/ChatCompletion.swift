// What Tab offers: names after `@`, commands after `/`.

package import PeerIdentity

/// Completions of what stands before the cursor.
package enum ChatCompletion {
    /// The texts that can stand in place of `before`, sorted.
    ///
    /// - Parameters:
    ///   - before: The line up to the cursor.
    ///   - names: Peers and rooms that may be meant.
    /// - Returns: Whole replacements of `before`; none if it is in the middle of a message.
    package static func candidates(before: String, names: [PeerIdentifier]) -> [String] {
        if before.hasPrefix("@") {
            guard !before.hasPrefix("@@"), !before.contains(":") else { return [] }
            return recipients(before, names)
        }
        guard before.hasPrefix("/"), !before.hasPrefix("//") else { return [] }
        guard let blank = before.firstIndex(of: " ") else {
            let word = before.dropFirst().lowercased()
            return CommandName.allCases.filter { $0.rawValue.hasPrefix(word) }.map { name in
                name.usage.contains(" ") ? "/\(name.rawValue) " : "/\(name.rawValue)"
            }.sorted()
        }
        let rest = before[before.index(after: blank)...]
        switch CommandName(rawValue: before[..<blank].dropFirst().lowercased()) {
        case .help:
            return CommandName.allCases.filter { $0.rawValue.hasPrefix(rest.lowercased()) }
                .map { "\(before[...blank])\($0.rawValue)" }.sorted()
        case .verify, .trust, .block, .unblock, .plain, .drop:
            return matching(rest, names).map { "\(before[...blank])\($0.text)" }
        case .room:
            guard let start = rest.lastIndex(where: { $0 == "," || $0 == " " }) else { return [] }
            return matching(rest[rest.index(after: start)...], names).map { "\(before[...start])\($0.text)" }
        default: return []
        }
    }

    /// The name after the last comma; those that stand already are not offered again.
    private static func recipients(_ before: String, _ names: [PeerIdentifier]) -> [String] {
        let start = before.lastIndex(of: ",") ?? before.startIndex
        let part = before[before.index(after: start)...]
        let blanks = part.prefix(while: \.isWhitespace)
        let present = before[..<start].dropFirst().split(separator: ",").map { part in
            String(part.drop(while: \.isWhitespace)).lowercased()
        }
        return matching(part.dropFirst(blanks.count), names).filter { !present.contains($0.folded) }
            .map { "\(before[...start])\(blanks)\($0.text): " }
    }

    private static func matching(_ begin: Substring, _ names: [PeerIdentifier]) -> [PeerIdentifier] {
        let begin = begin.lowercased()
        return names.filter { $0.folded.hasPrefix(begin) }.sorted { $0.folded < $1.folded }
    }
}
