// One request by curl, as a person at a terminal would make it, and what came back.

import TestSupport

/// What curl got.
struct CurlAnswer: Sendable {
    /// 0 if there was no answer.
    let status: Int
    let contentType: String
    /// The lease key of an accepted record, in base64url; else empty.
    let lease: String
    let body: String

    /// Runs curl with these arguments.
    ///
    /// - Parameters:
    ///   - arguments: As typed.
    ///   - input: What curl reads from its standard input.
    /// - Returns: Status, some fields and body.
    /// - Throws: If curl cannot be run, or takes longer than two minutes.
    static func of(_ arguments: String..., input: String? = nil) async throws -> CurlAnswer {
        try await of(arguments, input: input)
    }

    static func of(_ arguments: [String], input: String? = nil) async throws -> CurlAnswer {
        let format = "\n%{http_code}\t%{content_type}\t%header{peer-lease}"
        let process = try RunningProcess(["curl", "-sS", "-m", "60", "-w", format] + arguments, hasInput: input != nil)
        if let input {
            try process.write(input)
            process.endInput()
        }
        let output = try await process.outcome().output
        let end = output.lastIndex(of: "\n") ?? output.startIndex
        let words = output[end...].dropFirst().split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3, let status = Int(words[0]) else {
            throw RunningProcess.Failure("curl \(arguments.joined(separator: " ")) said '\(output)'")
        }
        return CurlAnswer(status: status, contentType: words[1], lease: words[2], body: String(output[..<end]))
    }
}
