// People who watch: films from the start until they have had enough, channels at their live edge.

/// Interleaved sessions, each of which asks for one segment after the other of a film.
struct FilmSessions {
    private var generator: Seeded
    private let zipf: Zipf
    private var ranks: [UInt64]
    private var lastTitle: UInt64
    private let lengths: UInt64
    /// After how many requests a tenth of the titles is replaced by new ones.
    private let fadingAfter: Int?
    private var count = 0
    private var viewers: [(key: UInt64, left: Int)] = []

    /// How many watch at once.
    private static let viewersMax = 150
    /// Minutes of film in a segment of 16 MiB at 5 Mbit/s.
    private static let segmentMinutes = 0.45

    init(seed: UInt64, titles: Int, alpha: Double, fadingAfter: Int?) {
        generator = Seeded(seed ^ 0xf117)
        zipf = Zipf(count: titles, alpha: alpha)
        ranks = (0..<titles).map { UInt64($0) }
        lastTitle = UInt64(titles)
        lengths = seed
        self.fadingAfter = fadingAfter
    }

    mutating func next() -> UInt64 {
        count += 1
        if let fadingAfter, count % fadingAfter == 0 { replaceTitles() }
        if viewers.count < Self.viewersMax { viewers.append(newViewer()) }
        let index = Int.random(in: 0..<viewers.count, using: &generator)
        let key = viewers[index].key
        viewers[index].key += 1
        viewers[index].left -= 1
        if viewers[index].left <= 0 { viewers[index] = newViewer() }
        return key
    }

    /// The film and the segment that a key stands for.
    static func segment(_ key: UInt64) -> (body: UInt64, index: Int) {
        (key >> 16, Int(key & 0xffff))
    }

    private mutating func newViewer() -> (key: UInt64, left: Int) {
        let title = ranks[zipf.rank(&generator)]
        let segments = segmentCount(title)
        // A tenth goes on where it stopped another time.
        let start = generator.unit() < 0.1 ? Int.random(in: 0..<segments, using: &generator) : 0
        let watched = max(1, Int((minutes() / Self.segmentMinutes).rounded(.up)))
        return (title << 16 | UInt64(start), min(watched, segments - start))
    }

    /// How long somebody stays: the quantiles of Yu et al., with straight lines between them.
    private mutating func minutes() -> Double {
        let quantiles = [(0.0, 0.0), (0.3744, 5), (0.5255, 10), (0.75, 25), (1.0, 120)]
        let point = generator.unit()
        for (low, high) in zip(quantiles, quantiles.dropFirst()) where point < high.0 {
            return low.1 + (point - low.0) / (high.0 - low.0) * (high.1 - low.1)
        }
        return 120
    }

    /// 20 to 120 minutes.
    private func segmentCount(_ title: UInt64) -> Int {
        var generator = Seeded(mixed(title) ^ lengths)
        return Int((20 + generator.unit() * 100) / Self.segmentMinutes)
    }

    /// New titles take places all over the order of popularity; those that had them fade to the end.
    private mutating func replaceTitles() {
        for _ in 0..<ranks.count / 10 {
            ranks.removeLast()
            ranks.insert(lastTitle, at: zipf.rank(&generator))
            lastTitle += 1
        }
    }
}

/// Channels of which everybody wants the newest segments, in one of three qualities, and hardly anybody older ones.
struct LiveChannels {
    private var generator: Seeded
    private let seed: UInt64
    private let zipf: Zipf
    private var count = 0

    /// Requests in the six seconds that a segment lasts.
    private static let requestsPerSegment = 400

    init(seed: UInt64, channels: Int) {
        generator = Seeded(seed ^ 0x11fe)
        self.seed = seed
        zipf = Zipf(count: channels, alpha: 0.9)
    }

    mutating func next() -> UInt64 {
        count += 1
        let edge = count / Self.requestsPerSegment + 20_000
        let channel = UInt64(zipf.rank(&generator))
        let quality = generator.unit() < 0.6 ? 0 : generator.unit() < 0.6 ? 1 : 2 as UInt64
        var behind = Int(generator.exponential(mean: 1.5))
        // One in twenty has pressed pause: half an hour behind on average.
        if generator.unit() < 0.05 { behind = Int(generator.exponential(mean: 300)) }
        return channel << 40 | quality << 32 | UInt64(max(0, edge - behind))
    }

    /// Octets of a segment: six seconds at 8, 4 or 1.5 Mbit/s.
    func size(_ key: UInt64) -> Int64 {
        Self.size(key, seed)
    }

    static func size(_ key: UInt64, _ seed: UInt64) -> Int64 {
        let quality = Int(key >> 32 & 3)
        let mean = [6_000_000.0, 3_000_000, 1_125_000][min(quality, 2)]
        var generator = Seeded(mixed(key) ^ seed)
        return Int64(mean * (0.8 + 0.4 * generator.unit()))
    }
}
