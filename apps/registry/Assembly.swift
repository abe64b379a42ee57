// Puts store, registry and server together.

import Daemon
import HTTP
import HTTPServer
import Logging
import PeerRegistry
import PeerRegistryRedis
import PeerRegistrySQLite
import ServiceLifecycle

/// The parts of a running registry.
struct Assembly {
    let options: RegistryOptions
    let logger: Logger
    let registry: Registry
    private let store: any PeerStore
    private let closeStore: @Sendable () async -> Void

    /// Opens the store; binds nothing yet.
    init(_ options: RegistryOptions, logger: Logger) async throws(ExitFailure) {
        (self.options, self.logger) = (options, logger)
        let (store, close) = try await Self.open(options.store, logger: logger)
        (self.store, closeStore) = (store, close)
        var configuration = RegistryConfiguration()
        (configuration.isOpen, configuration.isPublic) = (options.isOpen, options.isPublic)
        configuration.nameHoldSeconds = options.nameHold.components.seconds
        registry = Registry(store: store, configuration: configuration, clock: ContinuousClock(), now: Self.now) {
            problem in
            logger.warning("The store had a problem", metadata: ["error.message": "\(problem)"])
        }
    }

    /// Reads what must be known before requests come.
    func prepare() async throws(ExitFailure) {
        do {
            try await registry.prepare()
        } catch {
            throw ExitFailure(.unavailable, "\(error)")
        }
    }

    /// What runs, in the order in which it starts; first to stop is what the server would wait for, then the server.
    func services(_ server: Server, _ admin: Server?) -> [any Service] {
        [RegistryService(registry: registry, closeStore: closeStore)] + (admin.map { [$0] } ?? [])
            + [server, WatchesService(registry: registry)]
    }

    /// The server in front of the registry.
    func server() -> Server {
        var configuration = HTTPServerConfiguration { Self.now().seconds }
        configuration.addresses =
            options.hosts == ListenValues.loopbacks
            ? [.loopback(port: options.port)] : options.hosts.map { .host($0, port: options.port) }
        configuration.tls = options.tls
        // Each watcher of changes has a connection, and there may be thousands of them.
        configuration.connectionsMax = ProcessLimits.connections(50_000)
        if logger.logLevel <= .debug {
            configuration.onResponse = { [logger] summary in
                logger.debug(
                    "Answered",
                    metadata: [
                        "client.address": "\(summary.remoteAddress)",
                        "http.request.method": "\(summary.method.map(\.rawValue) ?? "-")",
                        "http.response.status_code": "\(summary.status)",
                        "duration": "\(summary.duration)",
                    ]
                )
            }
        }
        return Server(configuration: configuration, responder: RegistryResponder(registry), logger: logger)
    }

    /// The server of `/health` and `/metrics`; nil if it was not asked for.
    func adminServer() -> Server? {
        guard let port = options.adminPort else { return nil }
        var configuration = HTTPServerConfiguration { Self.now().seconds }
        configuration.addresses = [.loopback(port: port)]
        configuration.eventLoops = 1
        let health = HealthCheck("store") { [store] in
            do {
                // Nobody's name, but a question: with none, nothing would be asked.
                _ = try await store.entries(.names(["-"]))
                return nil
            } catch {
                return "\(error)"
            }
        }
        let responder = AdminResponder(metrics: registry.metrics.all + ProcessMetrics.all, checks: [health])
        return Server(configuration: configuration, responder: responder, logger: logger)
    }

    @Sendable
    private static func now() -> Timestamp { WallClock.timestamp }

    private static func open(
        _ choice: StoreChoice,
        logger: Logger
    ) async throws(ExitFailure) -> (any PeerStore, @Sendable () async -> Void) {
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255) }
        do {
            switch choice {
            case .memory:
                // Revisions of an earlier life, which watchers may still hold, are below those of this one: there is not
                // a change each microsecond.
                let revision = UInt64(clamping: now().nanoseconds / 1_000)
                return (MemoryPeerStore(secret: secret, lastRevision: revision), {})
            case .sqlite(let path):
                let store = try SQLitePeerStore(path: path, newSecret: secret, now: now()) { problem in
                    logger.warning("The store had a problem", metadata: ["error.message": "\(problem)"])
                }
                return (
                    store,
                    {
                        do {
                            try await store.close()
                        } catch {
                            logger.error("The store did not close", metadata: ["error.message": "\(error)"])
                        }
                    }
                )
            case .redis(let url):
                let store = try await RedisPeerStore.open(RedisAddress(url), newSecret: secret) {
                    Double.random(in: 0...1)
                }
                return (store, { await store.close() })
            }
        } catch let error as SQLiteStoreError {
            throw ExitFailure(.cannotCreate, error.message)
        } catch let error as RedisStoreError {
            let isAway = error.code == .away
            throw ExitFailure(
                error.code == .badAddress ? .usage : .unavailable,
                error.message + (isAway ? "; start Redis there, or choose another --store" : "")
            )
        } catch {
            throw ExitFailure(any: error)
        }
    }
}

/// Ends leases and tells watchers, until the program stops; then closes the store.
private struct RegistryService: Service {
    let registry: Registry
    let closeStore: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await registry.run() }
        await closeStore()
    }
}

/// Ends the streams of changes when the program is to stop.
private struct WatchesService: Service {
    let registry: Registry

    func run() async throws {
        defer { registry.endWatches() }
        try await gracefulShutdown()
    }
}
