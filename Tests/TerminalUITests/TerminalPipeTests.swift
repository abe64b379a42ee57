// The terminal where there is none: lines in and out of pipes, ends that close, and bounds.

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TerminalUI

struct TerminalPipeTests {
    /// A terminal between two pipes, its other ends in the test's hands.
    final class Pipes: Sendable {
        let input: (reading: Int32, writing: Int32)
        let output: (reading: Int32, writing: Int32)

        init() throws {
            input = try Self.ends()
            output = try Self.ends()
        }

        deinit {
            for end in [input.reading, input.writing, output.reading, output.writing] { Foundation.close(end) }
        }

        func terminal(_ change: (inout TerminalConfiguration) -> Void = { _ in }) throws -> Terminal {
            var configuration = TerminalConfiguration()
            (configuration.inputDescriptor, configuration.outputDescriptor) = (input.reading, output.writing)
            change(&configuration)
            return try Terminal(configuration)
        }

        func send(_ text: String) async {
            let bytes = Array(text.utf8)
            await Self.onThread { [input] in _ = Foundation.write(input.writing, bytes, bytes.count) }
        }

        /// Waits in system calls are not for the threads that all tests share.
        private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: body()) }
            }
        }

        /// What has come, waited for if there is nothing.
        func receive(atLeast count: Int) async -> String {
            await Self.onThread { [output] in
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while bytes.count < count {
                    let got = Foundation.read(output.reading, &buffer, buffer.count)
                    guard got > 0 else { break }
                    bytes += buffer[..<got]
                }
                return String(decoding: bytes, as: UTF8.self)
            }
        }

        /// A second descriptor would keep the end open; hence a pair that is replaced by /dev/null when "closed".
        static func shut(_ descriptor: Int32) {
            let null = open("/dev/null", O_RDWR)
            dup2(null, descriptor)
            Foundation.close(null)
        }

        private static func ends() throws -> (Int32, Int32) {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return (ends[0], ends[1])
        }
    }

    @Test func `lines come in, messages go out a line each, at once`() async throws {
        let pipes = try Pipes()
        let terminal = try pipes.terminal()
        #expect(!terminal.isInteractive && !terminal.hasColours)
        await pipes.send("one\r\ntw")
        #expect(await terminal.next() == .line("one"))
        await terminal.show(TerminalText("Bob: ", style: .name) + TerminalText("hi"))
        #expect(await pipes.receive(atLeast: 8) == "Bob: hi\n")
        await pipes.send("o\nthree")
        Pipes.shut(pipes.input.writing)
        #expect(await terminal.next() == .line("two"))
        #expect(await terminal.next() == .line("three"))
        #expect(await terminal.next() == nil)
        #expect(await terminal.next() == nil)
        await terminal.show("last", style: .failure)
        await terminal.close()
        await terminal.close()
        #expect(await pipes.receive(atLeast: 5) == "last\n")
        #expect(await terminal.show("after", style: .plain) == false)
    }

    @Test func `more lines than are asked for stay in the pipe, and all come in order`() async throws {
        let pipes = try Pipes()
        let terminal = try pipes.terminal { $0.inputsMax = 3 }
        let sender = Task.detached { await pipes.send((1...20_000).map { "line \($0)\n" }.joined()) }
        var number = 0
        while number < 20_000, let input = await terminal.next() {
            number += 1
            guard input == .line("line \(number)") else {
                Issue.record("\(input) instead of \(number)")
                break
            }
        }
        #expect(number == 20_000)
        await sender.value
        await terminal.close()
    }

    @Test func `an output that nobody reads holds up those who show, and loses nothing`() async throws {
        let pipes = try Pipes()
        let terminal = try pipes.terminal { $0.outputBytesMax = 1_000 }
        let tally = Tally()
        let shower = Task.detached {
            for number in 1...20_000 {
                await terminal.show(TerminalText("message \(number)"))
                tally.add()
            }
        }
        // A pipe holds 64 KiB, the terminal as much again while it writes; more than that cannot have been shown.
        var text = await pipes.receive(atLeast: 1)
        #expect(tally.count < 15_000)
        let whole = (1...20_000).map { "message \($0)\n" }.joined()
        text += await pipes.receive(atLeast: whole.utf8.count - text.utf8.count)
        #expect(text.utf8.elementsEqual(whole.utf8))
        await shower.value
        await terminal.close()
    }

    private final class Tally: Sendable {
        private let value = Mutex(0)
        func add() { value.withLock { $0 += 1 } }
        var count: Int { value.withLock { $0 } }
    }

    @Test func `an output closed at the other end is no end of the process`() async throws {
        let pipes = try Pipes()
        let terminal = try pipes.terminal { $0.outputBytesMax = 100 }
        Pipes.shut(pipes.output.reading)
        var shown = 0
        while shown < 1_000_000, await terminal.show("x", style: .plain) { shown += 1 }
        #expect(shown < 1_000_000)
        await terminal.close()
    }

    @Test func `a terminal that takes no output is closed within its bound`() async throws {
        let pipes = try Pipes()
        let terminal = try pipes.terminal {
            $0.outputBytesMax = 1 << 20
            $0.closeMillisecondsMax = 100
        }
        await terminal.show(TerminalText(String(repeating: "x", count: 500_000)))
        await terminal.close()
        #expect(await terminal.next() == nil)
        // The thread that writes is let go, before its descriptors are.
        #expect(await pipes.receive(atLeast: 500_001).utf8.count == 500_001)
    }

    @Test func `a caller that is cancelled gets nil, and the line goes to the next`() async throws {
        let pipes = try Pipes()
        let terminal = try pipes.terminal()
        let waiting = Task { await terminal.next() }
        waiting.cancel()
        #expect(await waiting.value == nil)
        await pipes.send("line\n")
        #expect(await terminal.next() == .line("line"))
        let closed = Task { await terminal.next() }
        await terminal.close()
        #expect(await closed.value == nil)
    }

    @Test func `a line that is too long is told, not sent`() async throws {
        let pipes = try Pipes()
        let terminal = try pipes.terminal { $0.lineBytesMax = 10 }
        await pipes.send("12345678901\nok\n")
        #expect(await terminal.next() == .tooLong(bytes: 11, bytesMax: 10))
        #expect(await terminal.next() == .line("ok"))
        await terminal.close()
    }

    @Test func `a program between pipes ends well when the one behind it does not read on`() async throws {
        let program = TerminalTmuxTests.program
        let outcome = try await RunningProcess.run([
            "bash", "-c", "printf '/flood 100000\\nhi\\n' | \"$1\" | head -n 2; echo \"${PIPESTATUS[1]}\"", "bash",
            program,
        ])
        #expect(outcome.output == "ready\nBob: message 1 日本\n0\n")
        #expect(outcome.errors == "")
    }
}
