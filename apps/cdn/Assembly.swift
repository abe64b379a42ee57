// Puts store, client, cache and server together.

import Daemon
import Glibc
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

    /// Opens the store and connects the parts; binds and starts nothing yet.
    init(_ options: CdnOptions, logger: Logger) throws(ExitFailure) {
        self.options = options
        self.logger = logger
        var configuration = HTTPCacheConfiguration()
        configuration.memoryBytesMax = Int64(clamping: options.memory.bytes)
        configuration.ignoresClientCacheControl = options.ignoresClientCacheControl
        configuration.storesSetCookie = options.storesSetCookie
        configuration.storesCloseDelimited = options.storesCloseDelimited
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
            configuration.storeBytesMax = Int64(clamping: options.memory.bytes)
        }
        client = CurlClient(configuration: Self.clientConfiguration(options))
        cache = CachingResponder(
            origin: RedirectingResponder(client, map: options.origin),
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
    func services(_ server: Server) -> [any Service] {
        [ClientService(client: client), CacheService(cache: cache, disk: disk), server]
    }

    /// The server in front of the cache.
    func server() -> Server {
        var configuration = HTTPServerConfiguration { WallClock.timestamp.seconds }
        configuration.addresses =
            options.isServingLocalhost
            ? [.loopback(port: options.port)] : options.hosts.map { .host($0, port: options.port) }
        // What is refused before the cache sees it says who refused, as every other response does.
        let name = HTTPCacheConfiguration().name
        configuration.ownResponseFields = ["Age": "0", "Via": "1.1 \(name)", "Cache-Status": "\(name)"]
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

    private static func clientConfiguration(_ options: CdnOptions) -> HTTPClientConfiguration {
        var configuration = HTTPClientConfiguration()
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
    let disk: DiskStore?

    private static let useInterval: Duration = .seconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await cache.run() }
                group.addTask {
                    // Not in the way of the first requests.
                    guard (try? await Task.sleep(for: Self.useInterval)) != nil else { return }
                    _ = await disk?.removeOrphans()
                    while (try? await Task.sleep(for: Self.useInterval)) != nil { await cache.recordUse() }
                }
            }
        }
        await cache.recordUse()
        await disk?.close()
    }
}

/// The time of day.
enum WallClock {
    static var timestamp: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
