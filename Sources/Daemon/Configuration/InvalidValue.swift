// Why a value of a setting is refused, as the parser puts it behind the value and the flag.

/// What a value should have looked like.
package struct InvalidValue: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    /// A refusal such as "expected a number of bytes such as 10GiB".
    package init(_ description: String) {
        self.description = description
    }
}
