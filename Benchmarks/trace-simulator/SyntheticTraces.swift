// Traces made from a seed, after what the literature says of media.

/// The synthetic traces; all from the same seed are the same everywhere.
///
/// - Independent requests with Zipf's popularity, exponents 0.6 to 1.1, a hundred requests an object, sizes independent of
///   popularity: the synthetic traces of the S3-FIFO and SIEVE papers, with sizes.
/// - Films in segments, watched from the start and abandoned: Zipf's popularity of titles, sessions that end as Yu et al.
///   (EuroSys 2006) measured: 37 % within 5 minutes, 53 % within 10, 75 % within 25. Sessions interleave.
/// - The same with titles that appear and fade (Tang et al., MediSyn, 2003).
/// - Clips of a few segments, each of which three in ten leave.
/// - The live edge: viewers behind the newest segment of a channel, one in twenty half an hour behind, nobody ever after.
/// - One-hit wonders, scans of the whole catalogue, mixtures of all; and, to be fair to LRU, popularity that is dealt anew
///   again and again, and LRU's own model of recency. A loop, since no list is complete without one.
struct SyntheticTraces {
    let seed: UInt64
    /// Requests a trace, about.
    let count: Int

    private static let segment: Int64 = 16 << 20

    /// The names of all, in the order of the tables, with what makes them.
    var all: [(name: String, make: () -> Trace)] {
        var traces: [(String, () -> Trace)] = [0.6, 0.8, 0.9, 1.0, 1.1].map { alpha in
            ("zipf-\(alpha)", { independent(alpha) })
        }
        traces += [
            ("films", { films(fading: false) }), ("films-fading", { films(fading: true) }), ("clips", { clips() }),
            ("live", { live() }), ("one-hit", { oneHit() }), ("scans", { scans() }), ("mixture", { mixture() }),
            ("mixture-scans", { mixtureWithScans() }), ("drift", { drift() }), ("recency", { recency() }),
            ("loop", { loop() }),
        ]
        return traces
    }

    // MARK: Independent requests

    private func independent(_ alpha: Double) -> Trace {
        var generator = Seeded(seed)
        let zipf = Zipf(count: count / 100, alpha: alpha)
        let keys = (0..<count).map { _ in UInt64(zipf.rank(&generator)) }
        return Trace("zipf-\(alpha)", isMedia: true, keys: keys, size: mediaSize)
    }

    /// Many playlists and pictures, segments of seconds, and whole segments of films.
    private func mediaSize(_ key: UInt64) -> Int64 {
        var generator = Seeded(mixed(key &+ 1) ^ seed)
        switch generator.unit() {
        case ..<0.4: return Int64(generator.logNormal(median: 20_000, sigma: 1.2))
        case ..<0.85: return min(Self.segment, Int64(generator.logNormal(median: 1_500_000, sigma: 0.7)))
        default: return Self.segment
        }
    }

    private func oneHit() -> Trace {
        var generator = Seeded(seed)
        let zipf = Zipf(count: count / 100, alpha: 0.9)
        // Half of all requests are for what is never asked for again.
        let keys = (0..<count).map { index in
            generator.unit() < 0.5 ? UInt64(1) << 40 | UInt64(index) : UInt64(zipf.rank(&generator))
        }
        return Trace("one-hit", isMedia: true, keys: keys, size: mediaSize)
    }

    private func scans() -> Trace {
        var generator = Seeded(seed)
        let catalogue = count / 100
        let zipf = Zipf(count: catalogue, alpha: 0.9)
        var keys: [UInt64] = []
        while keys.count < count {
            for _ in 0..<catalogue * 5 { keys.append(UInt64(zipf.rank(&generator))) }
            // A crawler or a backup takes everything once, one after the other.
            for object in 0..<catalogue { keys.append(UInt64(object)) }
        }
        return Trace("scans", isMedia: true, keys: keys, size: mediaSize)
    }

    /// Independent requests whose popularity is dealt anew eight times.
    private func drift() -> Trace {
        var generator = Seeded(seed)
        let catalogue = count / 100
        let zipf = Zipf(count: catalogue, alpha: 0.9)
        var ranks = (0..<catalogue).map { UInt64($0) }
        let keys = (0..<count).map { index in
            if index % (count / 8) == 0 { ranks.shuffle(using: &generator) }
            return ranks[zipf.rank(&generator)]
        }
        return Trace("drift", isMedia: false, keys: keys, size: mediaSize)
    }

    /// LRU's own model: the probability of a use depends on nothing but how long ago the last one was.
    private func recency() -> Trace {
        var generator = Seeded(seed)
        var recent: [UInt64] = []
        var last: UInt64 = 0
        let keys = (0..<count).map { _ in
            let distance = Int(generator.logNormal(median: Double(count) / 500, sigma: 2))
            guard generator.unit() < 0.8, distance < recent.count else {
                last += 1
                recent.append(last)
                return last
            }
            // The distance is in requests: what was asked for that long ago is asked for again.
            let key = recent[recent.count - 1 - distance]
            recent.append(key)
            return key
        }
        return Trace("recency", isMedia: false, keys: keys, size: mediaSize)
    }

    private func loop() -> Trace {
        let objects = UInt64(count / 100)
        return Trace("loop", isMedia: false, keys: (0..<count).map { UInt64($0) % objects }, size: mediaSize)
    }

    // MARK: Sessions

    private func films(fading: Bool) -> Trace {
        let fadingAfter = fading ? count / 12 : nil
        var sessions = FilmSessions(seed: seed, titles: count / 4000, alpha: 0.8, fadingAfter: fadingAfter)
        let keys = (0..<count).map { _ in sessions.next() }
        return Trace(
            fading ? "films-fading" : "films",
            isMedia: true,
            keys: keys,
            size: { _ in Self.segment },
            segment: FilmSessions.segment
        )
    }

    /// Short films of one to five segments of some seconds each, a long tail of which most are seen once.
    private func clips() -> Trace {
        var generator = Seeded(seed)
        let zipf = Zipf(count: count / 40, alpha: 0.8)
        var keys: [UInt64] = []
        while keys.count < count {
            let title = UInt64(zipf.rank(&generator))
            let segments = 1 + mixed(title ^ seed) % 5
            for segment in 0..<segments {
                keys.append(title << 8 | segment)
                if generator.unit() < 0.3 { break }
            }
        }
        return Trace("clips", isMedia: true, keys: keys) { [seed] key in
            var generator = Seeded(mixed(key ^ seed))
            return Int64(generator.logNormal(median: 2_000_000, sigma: 0.6))
        }
    }

    private func live() -> Trace {
        var channels = LiveChannels(seed: seed, channels: 60)
        let keys = (0..<count).map { _ in channels.next() }
        return Trace("live", isMedia: true, keys: keys, size: channels.size)
    }

    // MARK: Mixtures

    /// Films, clips of independent popularity, the live edge and what is asked for once.
    private func mixture() -> Trace {
        var mixture = Mixture(seed: seed, count: count)
        let keys = (0..<count).map { _ in mixture.next() }
        return Trace("mixture", isMedia: true, keys: keys, size: mixtureSize, segment: Mixture.segment)
    }

    private func mixtureWithScans() -> Trace {
        var mixture = Mixture(seed: seed, count: count)
        var keys: [UInt64] = []
        while keys.count < count {
            for _ in 0..<count / 20 { keys.append(mixture.next()) }
            for number in 0..<count / 100 { keys.append(Mixture.small | UInt64(number)) }
        }
        return Trace("mixture-scans", isMedia: true, keys: keys, size: mixtureSize, segment: Mixture.segment)
    }

    private func mixtureSize(_ key: UInt64) -> Int64 {
        switch key & Mixture.kinds {
        case Mixture.film: Self.segment
        case Mixture.live: LiveChannels.size(key, seed)
        default: mediaSize(key)
        }
    }
}

/// Four kinds of requests in one stream.
private struct Mixture {
    static let kinds: UInt64 = 7 << 56
    static let film: UInt64 = 1 << 56
    static let live: UInt64 = 2 << 56
    static let small: UInt64 = 3 << 56
    static let once: UInt64 = 4 << 56

    private var generator: Seeded
    private var films: FilmSessions
    private var channels: LiveChannels
    private let zipf: Zipf
    private var lastOnce: UInt64 = 0

    init(seed: UInt64, count: Int) {
        generator = Seeded(seed ^ 0x55)
        films = FilmSessions(seed: seed, titles: count / 8000, alpha: 0.8, fadingAfter: count / 12)
        channels = LiveChannels(seed: seed, channels: 20)
        zipf = Zipf(count: count / 100, alpha: 0.9)
    }

    static func segment(_ key: UInt64) -> (body: UInt64, index: Int) {
        key & kinds == film ? FilmSessions.segment(key) : (key, 0)
    }

    mutating func next() -> UInt64 {
        switch generator.unit() {
        case ..<0.35: return Self.film | films.next()
        case ..<0.55: return Self.live | channels.next()
        case ..<0.9: return Self.small | UInt64(zipf.rank(&generator))
        default:
            lastOnce += 1
            return Self.once | lastOnce
        }
    }
}
