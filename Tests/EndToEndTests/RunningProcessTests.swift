// Tests of the tests' own way to start and stop programs, on which "everything is stopped at the end" rests.

import Foundation
import TestSupport
import Testing

struct RunningProcessTests {
    @Test func `output, errors and exit code are those of the program`() async throws {
        let outcome = try await RunningProcess.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
        #expect(outcome.output == "out\n")
        #expect(outcome.errors == "err\n")
        #expect(outcome.status == 7)
    }

    @Test func `a line is waited for while the program runs`() async throws {
        let process = try RunningProcess(["sh", "-c", "echo starting; echo ready on 1234; exec sleep 1000"])
        #expect(try await process.line(.output, matching: { $0.contains("ready") }) == "ready on 1234")
        process.send(SIGTERM)
        #expect(try await process.outcome().status == 128 + SIGTERM)
    }

    @Test func `a line ends before its CR LF`() async throws {
        let process = try RunningProcess(["printf", "one\\r\\ntwo\\r\\n"])
        try await process.outcome()
        #expect(process.lines(.output) == ["one", "two"])
    }

    @Test func `a wait for a line that never comes ends with the program`() async throws {
        let process = try RunningProcess(["sh", "-c", "echo only this"])
        await #expect(throws: RunningProcess.Failure.self) {
            try await process.line(.output, matching: { $0 == "something else" })
        }
    }

    @Test func `a program that outlives its bound is killed`() async throws {
        let process = try RunningProcess(["sleep", "1000"])
        await #expect(throws: RunningProcess.Failure.self) { try await process.outcome(within: .milliseconds(50)) }
        #expect(try await process.outcome().status == 128 + SIGKILL)
    }

    @Test func `what a program leaves running is killed with it`() async throws {
        // The grandchild holds the pipe of standard output: its end shows that it is gone.
        let process = try RunningProcess(["sh", "-c", "sleep 1000 & echo started"])
        #expect(try await process.outcome().output == "started\n")
    }
}
