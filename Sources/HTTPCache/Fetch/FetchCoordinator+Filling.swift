// Fills: from the missing octets that a reader needs to the store, each in its turn.

import HTTP
import Synchronization

extension FetchCoordinator {
    /// Fetches octets of a stored response that nobody else fetches; the fill is registered already.
    func startFill(
        _ fill: FillID,
        of response: StoredResponse,
        target: [UInt8],
        for client: Request
    ) {
        start { [self] in await fetchMissing(fill, of: response, target: target, for: client) }
    }

    private func fetchMissing(
        _ fill: FillID,
        of stored: StoredResponse,
        target: [UInt8],
        for client: Request
    ) async {
        let place = turns.newPlace()
        defer { turns.leave(place) }
        let owner = StoredResponse.FillOwner(cancel: { [turns] in turns.leave(place) }, offer: {})
        stored.setOwner(owner, of: fill)
        defer { stored.setOwner(nil, of: fill) }
        defer { fills.end(fill, of: stored) }
        let head = stored.currentHead
        let range: Range<Int64>
        let response: Response
        do {
            try await turns.enter(place)
            // With others in line it brings a part, and its reader asks for the next behind them.
            let most = turns.look(place).isWanted ? configuration.fillTurnBytes : nil
            guard let asked = stored.withBody({ $0.begin(fill, atMost: most) }) else {
                throw HTTPCacheError(.abandoned, "nobody reads it")
            }
            range = asked
            fills.begin(fill, of: stored, first: range.lowerBound, at: now())
            let request = requests.fill(
                client,
                target: target,
                range: range,
                of: stored.withBody { $0.length },
                entityTag: head.validators.entityTag
            )
            metrics.originRequests.add(1, ordering: .relaxed)
            response = try await origin.respond(to: request)
        } catch {
            let isAbandoned = stored.withBody { $0.pace(fill) } == .abandoned
            let failure = HTTPCacheError(
                isAbandoned ? .abandoned : .fillFailed,
                "the origin could not be asked for missing octets",
                underlying: error
            )
            stored.withBody { $0.fail(fill, failure) }.resume()
            return
        }
        await withTaskExecutorPreference(configuration.diskExecutor) {
            await take(response, for: range, fill, of: stored, head.metadata.fields, place)
        }
    }

    /// Takes in what the origin answered when it was asked for missing octets.
    private func take(
        _ response: Response,
        for range: Range<Int64>,
        _ fill: FillID,
        of stored: StoredResponse,
        _ held: Fields,
        _ place: FillTurns.Place
    ) async {
        var writer = FillWriter(
            response: stored,
            fill: fill,
            store: store,
            configuration: configuration,
            now: now
        )
        switch FillAnswer(response, range: range, length: stored.withBody { $0.length }, stored: held) {
        case .asked:
            await pump(response.body, into: &writer, place)
        case .whole:
            // The octets before those that were asked for are as good as these.
            let (isNeeded, wake) = stored.withBody { $0.beginAnew(fill) }
            wake.resume()
            guard isNeeded else { return response.body.cancel() }
            await pump(response.body, into: &writer, place)
        case .changed(let why):
            response.body.cancel()
            let error = HTTPCacheError(.changed, "the origin's representation changed: \(why)")
            await drop(stored, error)
            stored.withBody { $0.fail(fill, error) }.resume()
        case .wrong(let why):
            response.body.cancel()
            stored.withBody { $0.fail(fill, HTTPCacheError(.fillFailed, "asked for missing octets: \(why)")) }.resume()
        case .refused(let status):
            response.body.cancel()
            let error = HTTPCacheError(.fillFailed, "the origin answered \(status) when asked for missing octets")
            stored.withBody { $0.fail(fill, error) }.resume()
        }
    }

    /// Moves a body's octets into the store, at the pace of those who read it, until it ends one way or another.
    func pump(_ body: Body, into writer: inout FillWriter, _ place: FillTurns.Place) async {
        let stored = writer.response
        let fill = writer.fill
        let giveUp: @Sendable () -> Bool = { [self] in
            stored.giveUpIfIdle(fill, unlessWithin: isMoving(fill, of: stored) ? configuration.inFlightBytesMax : 0)
        }
        let owner = StoredResponse.FillOwner(
            cancel: { [turns] in
                body.cancel()
                turns.leave(place)
            },
            offer: { [turns] in turns.offer(place, giveUp: giveUp) }
        )
        stored.setOwner(owner, of: fill)
        fills.begin(fill, of: stored, first: stored.withBody { $0.progress(of: fill)?.next } ?? 0, at: now())
        var pending: Int64 = 0
        defer {
            stored.setOwner(nil, of: fill)
            fills.end(fill, of: stored)
            evictor.addPending(-pending)
        }
        do {
            var source = BodyPuller(body)
            while true {
                let (step, isAtEnd) = stored.withBody { ($0.pace(fill), $0.isAtPromisedEnd(fill)) }
                switch step {
                case .proceed:
                    try await keepPlace(place, of: fill, writer)
                case .wait:
                    if stored.withBody({ $0.isResumable && $0.length != nil }) {
                        turns.offer(place, giveUp: giveUp)
                        // Asked for it, the fill said that it is needed: its readers have caught up.
                        if turns.look(place).standing == .needed { continue }
                    } else {
                        turns.leave(place)
                    }
                    await park(fill, of: stored)
                    try Task.checkCancellation()
                    continue
                case .finished where !source.isAtDeclaredEnd && !(source.isEndUndeclared && isAtEnd):
                    // A later fill took over from here on.
                    body.cancel()
                    await end(&writer)
                    return
                case .finished:
                    break
                case .abandoned:
                    stored.withBody { $0.giveUp(fill) }
                    throw HTTPCacheError(.abandoned, "nobody reads it")
                }
                guard let chunk = try await source.next() else { break }
                guard step != .finished else { throw await contradiction(stored) }
                metrics.originBodyBytes.add(chunk.count, ordering: .relaxed)
                fills.note(fill, of: stored, at: now())
                try await writer.write(chunk)
                evictor.addPending(writer.uncommittedBytes - pending)
                pending = writer.uncommittedBytes
                await evictor.evictIfNeeded()
                noteRoom(for: stored)
            }
            await end(&writer)
        } catch {
            body.cancel()
            await breakOff(&writer, error)
        }
    }

    /// Sees to it that a fill that goes on has a place, and that it ends for now when it has had its turn and others wait.
    private func keepPlace(_ place: FillTurns.Place, of fill: FillID, _ writer: FillWriter) async throws {
        let stored = writer.response
        let (standing, isWanted) = turns.look(place)
        if standing == .outside || standing == .offered && stored.withBody({ $0.isRead(fill) }) {
            try await turns.enter(place, goesOn: true)
        } else if isWanted, writer.received >= configuration.fillTurnBytes,
            stored.withBody({ $0.mayRest(fill, unlessWithin: configuration.fillTurnBytes) })
        {
            stored.withBody { $0.giveUp(fill) }
            throw HTTPCacheError(.abandoned, "others wait for their turn")
        }
    }

    /// Whether the origin has sent octets for a fill lately.
    private func isMoving(_ fill: FillID, of stored: StoredResponse) -> Bool {
        guard let last = fills.lastMove(of: fill, of: stored) else { return false }
        return now().nanosecondsSince(last) < configuration.inFlightSecondsMax * 1_000_000_000
    }

    /// Tells a body whether the store has room for it.
    private func noteRoom(for stored: StoredResponse) {
        let isFull = evictor.isOverfull
        stored.withBody { $0.noteFullStore(isFull) }.resume()
    }

    /// Leaves behind who has others wait for too long where the store is full, and ends fills that nobody reads and that have
    /// stopped where others wait for a place; to be called every few seconds.
    func relieveReaders() {
        let now = now()
        for stored in fills.responses {
            stored.offerUnreadFills()
            if !evictor.isOverfull { noteRoom(for: stored) }
            stored.withBody { $0.relieve(at: now) }.resume()
        }
    }

    private func park(_ fill: FillID, of stored: StoredResponse) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !stored.withBody({ $0.park(fill, continuation) }) { continuation.resume() }
            }
        } onCancel: {
            stored.withBody { $0.fail(fill, HTTPCacheError(.abandoned, "the cache stops")) }.resume()
        }
    }

    private func end(_ writer: inout FillWriter) async {
        let stored = writer.response
        let fill = writer.fill
        let lengthWasKnown = stored.withBody { $0.length != nil }
        let (isWhole, wake) = stored.withBody { $0.finish(fill) }
        wake.resume()
        if !isWhole { _ = await contradiction(stored) }
        await writer.commitEnd(lengthWasKnown: lengthWasKnown)
        await settleBroken(stored)
        if isWhole {
            table.recount(stored.key)
            await evictor.evictIfNeeded()
        }
        await detachIfFailed(writer)
    }

    private func breakOff(_ writer: inout FillWriter, _ error: any Error) async {
        let stored = writer.response
        let fill = writer.fill
        let isAbandoned = stored.withBody { $0.pace(fill) } == .abandoned
        let failure =
            isAbandoned
            ? HTTPCacheError(.abandoned, "nobody reads it")
            : error as? HTTPCacheError
                ?? HTTPCacheError(.fillFailed, "the origin's body broke off", underlying: error)
        await writer.commit()
        stored.withBody { $0.fail(writer.fill, failure) }.resume()
        await settleBroken(stored)
        await detachIfFailed(writer)
        await evictor.evictIfNeeded()
    }

    /// A body that cannot be resumed and is not whole is of no use to those who come later.
    private func settleBroken(_ stored: StoredResponse) async {
        if stored.withBody({ $0.isUseless }) {
            await drop(stored, HTTPCacheError(.fillFailed, "the origin's body broke off"))
        }
    }

    private func detachIfFailed(_ writer: FillWriter) async {
        guard let failure = writer.storeFailure else { return }
        noteStoreFailure(failure)
        await drop(writer.response, HTTPCacheError(.storeFailed, "the store failed", underlying: failure))
    }
}
