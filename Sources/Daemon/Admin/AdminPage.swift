// Something that a program tells those who run it besides health and figures.

/// A page of the listener for operators.
package struct AdminPage: Sendable {
    /// From the slash on: `/fills`.
    package let path: String
    /// The value of Content-Type.
    package let contentType: String
    /// Made anew for each request; must not block.
    package let text: @Sendable () -> String

    package init(_ path: String, contentType: String, text: @escaping @Sendable () -> String) {
        self.path = path
        self.contentType = contentType
        self.text = text
    }

    /// `text` between quotes, as JSON writes it (RFC 8259 section 7).
    package static func quoted(_ text: String) -> String {
        var result = "\""
        TerminalText.appendEscaped(text, to: &result)
        return result + "\""
    }
}
