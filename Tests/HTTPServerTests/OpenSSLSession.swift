// A TLS client of other make than the server: the system's OpenSSL, as far as tests need it, without its headers.

import Glibc

/// One TLS session over a connected, blocking socket; confined to whoever holds the client's lock.
final class OpenSSLSession: @unchecked Sendable {
    // One thread at a time uses a session: each call of a raw client runs on a pool's thread and is awaited.

    /// What a call of OpenSSL gave.
    enum Outcome: Equatable {
        case moved(Int)
        /// close_notify came.
        case closed
        /// The connection ended without it.
        case cut
        case failed(Int32)
    }

    private typealias Make = @convention(c) (OpaquePointer?) -> OpaquePointer?
    private typealias Act = @convention(c) (OpaquePointer) -> Int32
    private typealias Move = @convention(c) (OpaquePointer, UnsafeMutableRawPointer?, Int32) -> Int32
    private typealias SetNumber = @convention(c) (OpaquePointer, Int32) -> Int32

    /// Never closed, and only looked into.
    nonisolated(unsafe) private static let library = dlopen("libssl.so.3", RTLD_NOW)
    private let context: OpaquePointer
    private let session: OpaquePointer

    /// Shakes hands; nil if that fails, or if there is no OpenSSL 3.
    init?(_ descriptor: Int32) {
        // A write to a connection that is gone is an error of its own call.
        signal(SIGPIPE, SIG_IGN)
        guard
            let method = Self.function("TLS_client_method", as: (@convention(c) () -> OpaquePointer?).self)?(),
            let context = Self.function("SSL_CTX_new", as: Make.self)?(method),
            let session = Self.function("SSL_new", as: Make.self)?(context)
        else { return nil }
        self.context = context
        self.session = session
        _ = Self.function("SSL_set_fd", as: SetNumber.self)?(session, descriptor)
        guard Self.function("SSL_connect", as: Act.self)?(session) == 1 else { return nil }
    }

    deinit {
        Self.function("SSL_free", as: (@convention(c) (OpaquePointer) -> Void).self)?(session)
        Self.function("SSL_CTX_free", as: (@convention(c) (OpaquePointer) -> Void).self)?(context)
    }

    func write(_ octets: ArraySlice<UInt8>) -> Outcome {
        errno = 0
        var copy = Array(octets)
        return outcome(Self.function("SSL_write", as: Move.self)?(session, &copy, Int32(copy.count)) ?? -1)
    }

    func read(into buffer: inout [UInt8]) -> Outcome {
        errno = 0
        return outcome(Self.function("SSL_read", as: Move.self)?(session, &buffer, Int32(buffer.count)) ?? -1)
    }

    /// Says close_notify.
    func sayClose() {
        _ = Self.function("SSL_shutdown", as: Act.self)?(session)
    }

    private func outcome(_ result: Int32) -> Outcome {
        guard result <= 0 else { return .moved(Int(result)) }
        let number = errno
        switch Self.function("SSL_get_error", as: SetNumber.self)?(session, result) {
        case 6: return .closed  // SSL_ERROR_ZERO_RETURN
        case 2: return .failed(EAGAIN)  // SSL_ERROR_WANT_READ: the socket's patience is over.
        default: return number == 0 ? .cut : .failed(number)
        }
    }

    private static func function<Function>(_ name: String, as: Function.Type) -> Function? {
        dlsym(library, name).map { unsafeBitCast($0, to: Function.self) }
    }
}
