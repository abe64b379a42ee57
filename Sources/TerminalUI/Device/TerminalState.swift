// What the threads of a terminal and its callers share.

/// Kept in a mutex by ``Terminal``; continuations are handed out to be resumed outside of it.
struct TerminalState: Sendable {
    enum Phase: Sendable {
        case open
        /// What waits is written, then the terminal is given back.
        case closing
        case closed
    }

    var screen: ScreenStateMachine
    var lines: PlainLineReader
    var phase = Phase.open
    /// Nothing more comes.
    var isInputOver = false
    /// Nobody reads what is written.
    var isOutputBroken = false
    /// The editor asked to stop the process; then that it is being stopped, and nothing is drawn.
    var isStopAsked = false
    var isStopped = false
    /// Resumed when the terminal is given back.
    var closers: [CheckedContinuation<Void, Never>] = []
    /// For those that wait to be told apart by.
    private var identifiers = 0
    private var inputs: [TerminalInput] = []
    private var takers: [(id: Int, continuation: CheckedContinuation<TerminalInput?, Never>)] = []
    private var showers: [(id: Int, continuation: CheckedContinuation<Void, Never>)] = []

    init(screen: ScreenStateMachine, bytesMax: Int) {
        self.screen = screen
        lines = PlainLineReader(bytesMax: bytesMax)
    }

    var inputCount: Int { inputs.count }

    mutating func newIdentifier() -> Int {
        identifiers += 1
        return identifiers
    }

    /// What `next()` answers now (nil inside: the end), or nothing if it is to wait; and whether the reader, which had
    /// stopped because of too many inputs, may go on.
    mutating func take(
        _ id: Int,
        _ continuation: CheckedContinuation<TerminalInput?, Never>,
        isCancelled: Bool,
        inputsMax: Int
    ) -> (answer: TerminalInput??, hasRoom: Bool) {
        if isCancelled { return (.some(nil), false) }
        if !inputs.isEmpty {
            let wasFull = inputs.count >= inputsMax
            let input = inputs.removeFirst()
            return (.some(input), wasFull && inputs.count < inputsMax)
        }
        if isInputOver || phase != .open { return (.some(nil), false) }
        takers.append((id, continuation))
        return (nil, false)
    }

    /// The first inputs, at most so many; and whether the reader may go on.
    mutating func takeAvailable(_ countMax: Int, inputsMax: Int) -> (inputs: [TerminalInput], hasRoom: Bool) {
        let wasFull = inputs.count >= inputsMax
        let taken = Array(inputs.prefix(max(0, countMax)))
        inputs.removeFirst(taken.count)
        return (taken, wasFull && inputs.count < inputsMax)
    }

    mutating func cancelTaking(_ id: Int) -> CheckedContinuation<TerminalInput?, Never>? {
        guard let index = takers.firstIndex(where: { $0.id == id }) else { return nil }
        return takers.remove(at: index).continuation
    }

    /// Gives inputs to those who wait, in order, and keeps the rest; at the end (`isOver`) all who wait get nil.
    mutating func give(
        _ new: [TerminalInput],
        isOver: Bool
    ) -> [(CheckedContinuation<TerminalInput?, Never>, TerminalInput?)] {
        guard !isInputOver else { return [] }
        inputs += new
        isInputOver = isOver || new.contains(.end)
        var answers: [(CheckedContinuation<TerminalInput?, Never>, TerminalInput?)] = []
        while !takers.isEmpty, !inputs.isEmpty {
            answers.append((takers.removeFirst().continuation, inputs.removeFirst()))
        }
        if isInputOver { answers += takeAllWaiting().map { ($0, nil) } }
        return answers
    }

    mutating func takeAllWaiting() -> [CheckedContinuation<TerminalInput?, Never>] {
        defer { takers = [] }
        return takers.map(\.continuation)
    }

    /// Whether a caller of `show` must wait: too much waits to be written, and someone will write it.
    mutating func waitsForRoom(_ id: Int, _ continuation: CheckedContinuation<Void, Never>, bytesMax: Int) -> Bool {
        guard phase == .open, !isOutputBroken else { return false }
        guard screen.pendingBytes >= bytesMax || !showers.isEmpty else { return false }
        showers.append((id, continuation))
        return true
    }

    /// Whether a caller of `flush` must wait: someone will write what waits, or is writing.
    mutating func waitsForWriting(_ id: Int, _ continuation: CheckedContinuation<Void, Never>) -> Bool {
        guard phase == .open, !isOutputBroken else { return false }
        showers.append((id, continuation))
        return true
    }

    mutating func cancelWaiting(_ id: Int) -> CheckedContinuation<Void, Never>? {
        guard let index = showers.firstIndex(where: { $0.id == id }) else { return nil }
        return showers.remove(at: index).continuation
    }

    /// Everyone who waits for room, after what waited was written or will never be.
    mutating func takeAllShowers() -> [CheckedContinuation<Void, Never>] {
        defer { showers = [] }
        return showers.map(\.continuation)
    }
}
