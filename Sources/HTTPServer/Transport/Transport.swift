// What moves octets between sockets and engines: one implementation for each way to do I/O.

/// Binds sockets and serves their connections; each method is called once.
protocol Transport: Sendable {
    /// Binds every address of the configuration and returns them in that order; connections wait.
    ///
    /// - Throws: ``HTTPServerError`` if one of them cannot be bound; then none is.
    func bind() async throws(HTTPServerError) -> [BoundAddress]

    /// Serves until graceful shutdown or cancellation; no task and no connection is left when it returns.
    func run() async

    /// Connections now, and since the start.
    var connectionCounts: (now: Int, total: Int) { get }

    /// Reads anew what was read from files; may block. Does nothing where nothing was.
    func reload()
}
