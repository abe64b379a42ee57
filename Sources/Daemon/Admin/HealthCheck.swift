// One thing that must be well for a program to be of use.

/// A question to a part of the program.
package struct HealthCheck: Sendable {
    /// What is asked about, in a word: `store`.
    package let name: String
    /// Nil if all is well, else what is wrong, in a sentence without anything secret; heeds cancellation.
    package let problem: @Sendable () async -> String?

    package init(_ name: String, problem: @escaping @Sendable () async -> String?) {
        self.name = name
        self.problem = problem
    }
}
