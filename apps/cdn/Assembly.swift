// Puts store, client, cache and server together.

import Daemon
import HTTP
import HTTPCache
import HTTPCacheDisk
import HTTPClient
import HTTPServer
import Logging
import ServiceLifecycle

/// The parts of a running cdn.
struct Assembly {
    let options: CdnOptions
    let logger: Logger
    let cache: CachingResponder
    let client: CurlClient
    let store: any CacheStore
    let disk: DiskStore?
    /// Nil where no lines are wanted.
    let accessLog: AccessLog?
    private let origin: OriginMeter
    private let counts = ServerMetrics()

    /// Opens the store and connects the parts; binds and starts nothing yet.
    init(_ options: CdnOptions, logger: Logger) throws(ExitFailure) {
        self.options = options
        self.logger = logger
        var configuration = HTTPCacheConfiguration()
        configuration.memoryBytesMax = Int64(clamping: options.memory.bytes)
        // The tasks run on the client's thread, which is not to wait for a disk.
        configuration.diskExecutor = globalConcurrentExecutor
        configuration.ignoresClientCacheControl = options.ignoresClientCacheControl
        configuration.storesSetCookie = options.storesSetCookie
        configuration.storesCloseDelimited = options.storesCloseDelimited
        configuration.fillsMax = DescriptorShares.process.fills
        if let place = options.store {
            do throws(HTTPCacheError) {
                let disk = try DiskStore(directory: place.directory) { problem in
                    logger.warning("The store had a problem", metadata: ["error.message": "\(problem)"])
                }
                self.disk = disk
                store = disk
            } catch {
                throw ExitFailure(.cannotCreate, "\(error.message)")
            }
            configuration.storeBytesMax = Int64(clamping: place.size.bytes)
        } else {
            disk = nil
            store = MemoryStore()
            // Heads and small bodies on one side, bodies on the other: together what was allowed.
            configuration.memoryBytesMax /= 4
            configuration.storeBytesMax = Int64(clamping: options.memory.bytes) - configuration.memoryBytesMax
        }
        accessLog = try Self.openAccessLog(options, logger)
        client = CurlClient(configuration: Self.clientConfiguration(options))
        origin = OriginMeter(client)
        cache = CachingResponder(
            origin: RedirectingResponder(origin, map: options.origin),
            upstream: options.origin,
            store: store,
            overflow: MemoryStore(),
            configuration: configuration,
            onStoreFailure: { error in
                logger.warning(
                    "The store failed: what it cannot keep is served all the same",
                    metadata: ["error.message": "\(error)"]
                )
            },
            now: { WallClock.timestamp }
        )
    }

    /// What runs, in the order in which it starts; the server is last, so that it stops first.
    func services(_ server: Server, _ admin: Server?) -> [any Service] {
        // The log is written to the end of the last answer.
        (accessLog.map { [$0] } ?? []) + (admin.map { [$0] } ?? [])
            + [ClientService(client: client), CacheService(cache: cache, client: client, disk: disk), server]
    }

    /// The server of `/health`, `/metrics` and `/fills`; nil if it was not asked for.
    func adminServer(of server: Server) -> Server? {
        guard let port = options.adminPort else { return nil }
        var configuration = HTTPServerConfiguration { WallClock.timestamp.seconds }
        configuration.addresses = [.loopback(port: port)]
        configuration.eventLoops = 1
        configuration.connectionsMax = 16
        let metrics = CdnMetrics(cache: cache, server: server, counts: counts, origin: origin, accessLog: accessLog)
        let responder = AdminResponder(metrics: metrics.all, pages: [metrics.fills])
        return Server(configuration: configuration, responder: responder, logger: logger)
    }

    /// The server in front of the cache.
    func server() -> Server {
        var configuration = HTTPServerConfiguration { WallClock.timestamp.seconds }
        configuration.addresses =
            options.isServingLocalhost
            ? [.loopback(port: options.port)] : options.hosts.map { .host($0, port: options.port) }
        configuration.taskExecutor = client.executor
        // What is refused before the cache sees it says who refused, as every other response does.
        let name = HTTPCacheConfiguration().name
        configuration.ownResponseFields = ["Age": "0", "Via": "1.1 \(name)", "Cache-Status": "\(name)"]
        configuration.tls = options.tls
        configuration.accessLog = accessLog
        if options.adminPort != nil { configuration.metrics = counts }
        configuration.connectionsMax = DescriptorShares.process.clients
        if logger.logLevel <= .debug {
            configuration.onResponse = { [logger] summary in
                logger.debug(
                    "Answered",
                    metadata: [
                        "client.address": "\(summary.remoteAddress)",
                        "http.request.method": "\(summary.method.map(\.rawValue) ?? "-")",
                        "url.path": "\(String(decoding: summary.target, as: UTF8.self))",
                        "http.response.status_code": "\(summary.status)",
                        "http.response.size": "\(summary.bytesSent)",
                        "duration": "\(summary.duration)",
                        "complete": "\(summary.isComplete)",
                    ]
                )
            }
        }
        return Server(configuration: configuration, responder: cache, logger: logger)
    }

    private static func openAccessLog(_ options: CdnOptions, _ logger: Logger) throws(ExitFailure) -> AccessLog? {
        guard let path = options.accessLog else { return nil }
        do throws(AccessLogError) {
            return try AccessLog(path: path) { problem in
                logger.error("The access log had a problem", metadata: ["error.message": "\(problem)"])
            }
        } catch {
            throw ExitFailure(.cannotCreate, "\(error); give --access-log a file that this user may write")
        }
    }

    private static func clientConfiguration(_ options: CdnOptions) -> HTTPClientConfiguration {
        var configuration = HTTPClientConfiguration()
        configuration.connectionsMax = DescriptorShares.process.originConnections
        configuration.connectionsPerHostMax = DescriptorShares.process.originConnections
        configuration.connectionsKeptMax = DescriptorShares.process.originConnections
        configuration.connectTimeout = options.originTimeout
        configuration.firstByteTimeout = options.originTimeout
        configuration.idleTimeout = options.originTimeout
        configuration.extraCAFile = options.originCA
        configuration.originProxy = options.originProxy
        if let credentials = options.origin.credentials {
            configuration.credentials = [
                HTTPClient.OriginCredentials(
                    scheme: options.origin.scheme,
                    authority: options.origin.authority,
                    user: credentials.user,
                    password: credentials.password
                )
            ]
        }
        return configuration
    }
}

/// The client's loop, until the program stops.
private struct ClientService: Service {
    let client: CurlClient

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await client.run() }
    }
}

/// The cache's work towards the origin, and what it tells its store from time to time.
private struct CacheService: Service {
    let cache: CachingResponder
    let client: CurlClient
    let disk: DiskStore?

    private static let useInterval: Duration = .seconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                // What asks the origin runs where its answers come in.
                group.addTask(executorPreference: client.executor) { await cache.run() }
                group.addTask {
                    // Neither is in the way of the first requests.
                    guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
                    await disk?.learnKeys()
                    guard (try? await Task.sleep(for: Self.useInterval)) != nil else { return }
                    if disk?.wasClosed == false { await disk?.removeEmptyResponses() }
                    _ = await disk?.removeOrphans()
                    while (try? await Task.sleep(for: Self.useInterval)) != nil { await cache.recordUse() }
                }
            }
        }
        await cache.recordUse()
        await disk?.close()
    }
}
