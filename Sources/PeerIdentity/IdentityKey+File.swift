// An identity key as it is kept in a file.

extension IdentityKey {
    private static let format = "waystation-identity-1"

    /// One line: the form's name and the seed in base64url.
    ///
    /// Who reads it is this peer.
    package var fileText: String { "\(Self.format) \(Base64URL.encode(rawRepresentation))\n" }

    /// The key that ``fileText`` is of; nil if the text is something else.
    package init?(fileText: String) {
        let words = fileText.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[0] == Self.format, let seed = Base64URL.decode(words[1].utf8),
            // Says nothing but that it is no key.
            let key = try? IdentityKey(rawRepresentation: seed)
        else { return nil }
        self = key
    }
}
