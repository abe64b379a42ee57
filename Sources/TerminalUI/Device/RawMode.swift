// A terminal in raw mode, given back as it was however the process ends, SIGKILL alone excepted.

import Glibc
import Synchronization

/// The one terminal of the process that is in raw mode.
///
/// What signal handlers touch is made before they are installed and never freed: termios as it was, descriptors,
/// the text that resets the terminal, the former handlers. Only ``acquire(input:output:)`` writes it, and one caller
/// at a time gets past its flag; hence `nonisolated(unsafe)`.
enum RawMode {
    private static let isTaken = Atomic(false)
    /// Whether the terminal is raw now: the first who clears it restores.
    private static let isRaw = Atomic(false)
    nonisolated(unsafe) private static let saved = UnsafeMutablePointer<termios>.allocate(capacity: 1)
    nonisolated(unsafe) private static var input: Int32 = 0
    nonisolated(unsafe) private static var output: Int32 = 1
    nonisolated(unsafe) private static var wakeEnd: Int32 = -1
    /// Former handlers by signal number.
    nonisolated(unsafe) private static let former = UnsafeMutablePointer<sigaction>.allocate(capacity: 65)

    /// Autowrap on, bracketed paste off.
    private static let resetText: StaticString = "\u{1b}[?7h\u{1b}[?2004l"
    /// Those after which the process ends, unless someone handles them; faults among them.
    private static let fatal = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT]
    private static let ending = [SIGTERM, SIGHUP, SIGINT, SIGQUIT]
    static let resizeByte = UInt8(ascii: "w")
    static let continueByte = UInt8(ascii: "c")

    /// Takes the terminal, and installs handlers that write to `wake` when it is resized or the process continued.
    ///
    /// - Parameters:
    ///   - input: The descriptor to read from.
    ///   - output: The descriptor to write to.
    ///   - wake: Gets ``resizeByte`` and ``continueByte``.
    /// - Throws: If another holds it, or the descriptor is no terminal.
    static func acquire(input: Int32, output: Int32, wake: Int32) throws(TerminalError) {
        guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else {
            throw TerminalError("the terminal is in use by another part of this process", errno: EBUSY)
        }
        guard tcgetattr(input, saved) == 0 else {
            let code = errno
            isTaken.store(false, ordering: .releasing)
            throw TerminalError("the settings of the terminal cannot be read", errno: code)
        }
        (self.input, self.output, wakeEnd) = (input, output, wake)
        atexit { RawMode.leave() }
        for number in fatal { install(number) { number, info, _ in RawMode.end(by: number, info) } }
        for number in ending where isDefault(number) {
            install(number) { number, info, _ in RawMode.end(by: number, info) }
        }
        for number in [SIGWINCH, SIGCONT] { install(number) { number, _, _ in RawMode.wake(number) } }
        enter()
    }

    /// Gives the terminal and the handlers back; a handler that someone else installed meanwhile stays.
    static func release() {
        leave()
        for number in fatal + ending + [SIGWINCH, SIGCONT] where isOurs(number) {
            sigaction(number, former + Int(number), nil)
        }
        wakeEnd = -1
        isTaken.store(false, ordering: .releasing)
    }

    /// Sets raw mode if the process is in the foreground: no echo, no line buffer, no signals from keys.
    static func enter() {
        // In the background, setting it would stop the process (SIGTTOU); it is set when the process is continued.
        guard tcgetpgrp(input) == getpgrp() else { return }
        var raw = saved.pointee
        raw.c_iflag &= ~tcflag_t(IXON | ICRNL | INLCR | IGNCR | ISTRIP)
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        withUnsafeMutableBytes(of: &raw.c_cc) { characters in
            characters[Int(VMIN)] = 1
            characters[Int(VTIME)] = 0
        }
        isRaw.store(true, ordering: .releasing)
        tcsetattr(input, TCSANOW, &raw)
        let text: StaticString = "\u{1b}[?2004h"
        write(output, text.utf8Start, text.utf8CodeUnitCount)
    }

    /// Sets the terminal as it was; safe in a signal handler, and of no effect the second time.
    static func leave() {
        guard isRaw.exchange(false, ordering: .acquiringAndReleasing) else { return }
        write(output, resetText.utf8Start, resetText.utf8CodeUnitCount)
        tcsetattr(input, TCSANOW, saved)
    }

    private static func wake(_ number: Int32) {
        let code = errno
        var byte = number == SIGCONT ? continueByte : resizeByte
        if wakeEnd >= 0 { write(wakeEnd, &byte, 1) }
        errno = code
    }

    /// In the handler of a signal that ends the process: the former handler takes over.
    private static func end(by number: Int32, _ info: UnsafeMutablePointer<siginfo_t>?) {
        let code = errno
        if isRaw.load(ordering: .acquiring) {
            leave()
            // What the shell says next is not to stand behind the line.
            let lineEnd: StaticString = "\r\n"
            write(output, lineEnd.utf8Start, lineEnd.utf8CodeUnitCount)
        }
        sigaction(number, former + Int(number), nil)
        // A fault happens again when this returns; a signal that was sent must be sent again.
        let isFault = number != SIGABRT && fatal.contains(number) && (info?.pointee.si_code ?? 0) > 0
        if !isFault { raise(number) }
        errno = code
    }

    private typealias Handler =
        @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void

    private static func install(_ number: Int32, _ handler: @escaping Handler) {
        var action = sigaction()
        action.__sigaction_handler.sa_sigaction = handler
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART
        sigemptyset(&action.sa_mask)
        sigaction(number, &action, former + Int(number))
        installed[Int(number)] = address(of: action)
    }

    /// The handlers installed here, by signal number.
    nonisolated(unsafe) private static let installed = UnsafeMutablePointer<Int>.allocate(capacity: 65)

    private static func isDefault(_ number: Int32) -> Bool {
        var action = sigaction()
        installed[Int(number)] = -1
        return sigaction(number, nil, &action) == 0 && address(of: action) == 0
    }

    private static func isOurs(_ number: Int32) -> Bool {
        var action = sigaction()
        return sigaction(number, nil, &action) == 0 && address(of: action) == installed[Int(number)]
    }

    /// Zero for the default action.
    private static func address(of action: sigaction) -> Int {
        var handler = action.__sigaction_handler
        return withUnsafeBytes(of: &handler) { $0.loadUnaligned(as: Int.self) }
    }
}
