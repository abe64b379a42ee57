// A line editor that says what was entered, for tests of the terminal that need a real one.

import Glibc
import TerminalUI

/// `/flood N` shows N lines, `/pid` its number, `/crash` traps, `/quit` ends; anything else is repeated.
@main
struct Echo {
    static func main() async throws {
        var configuration = TerminalConfiguration()
        configuration.history = ["an older line"]
        configuration.completions = { before in
            ["@Alice: ", "@Bob: ", "@Bobby: ", "/help", "/quit"].filter { $0.hasPrefix(before) }
        }
        let terminal = try Terminal(configuration)
        await terminal.show("ready", style: .success)
        while let input = await terminal.next(), input != .end {
            switch input {
            case .line("/quit"):
                await terminal.close()
                return
            case .line("/pid"): await terminal.show("pid \(getpid())", style: .plain)
            case .line("/crash"):
                let none: [Int] = []
                exit(Int32(none[getpid() > 0 ? 1 : 0]))
            case .line(let line) where line.hasPrefix("/flood "):
                for number in 1...max(1, Int(line.dropFirst(7)) ?? 1) {
                    await terminal.show(TerminalText("Bob: ", style: .name) + TerminalText("message \(number) 日本"))
                }
                await terminal.show("flooded", style: .bold)
            case .line(let line): await terminal.show("line [\(line)]", style: .plain)
            case .pasted(let lines):
                await terminal.show("pasted \(lines.count) [\(lines.joined(separator: "|"))]", style: .plain)
            case .tooLong(let bytes, let bytesMax):
                await terminal.show("too long: \(bytes) > \(bytesMax)", style: .failure)
            case .end: break
            }
        }
        await terminal.show("bye", style: .dim)
        await terminal.close()
    }
}
