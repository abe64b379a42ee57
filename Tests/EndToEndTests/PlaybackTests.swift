// The main job from outside: real media through the real `cdn` from real web servers, with ffmpeg and curl.

import Foundation
import TestSupport
import Testing

@Suite(
    .serialized,
    .enabled(if: RunningProcess.isInstalled("nginx"), "nginx is not installed"),
    .enabled(if: RunningProcess.isInstalled("ffmpeg"), "ffmpeg is not installed"),
    .enabled(if: RunningProcess.isInstalled("curl"), "curl is not installed"),
    .enabled(if: RunningProcess.isInstalled("python3"), "python3 is not installed")
)
struct PlaybackTests {
    @Test func `the media are as large and as many-parted as these tests are about`() async throws {
        let root = try await Media.shared.root()
        for film in [Film.faststart, .indexLast] {
            let size = try Data(contentsOf: URL(filePath: "\(root)/\(film.entry)"), options: .alwaysMapped).count
            #expect(size >= 64 << 20)
        }
        #expect(try Film.hls.files(below: root).count > 30)
        #expect(try Film.fragmented.files(below: root).count > 31)
    }

    @Test(arguments: Film.all)
    func `plays, every octet is the origin's, and later plays and restarts take no body from it`(
        _ film: Film
    ) async throws {
        let root = try await Media.shared.root()
        let (origin, store) = (try await NginxOrigin.start(serving: root), try TemporaryDirectory())
        let files = try film.files(below: root)
        let url = "\(origin.base)/\(film.entry)"
        let direct = try await play(url)
        let before = try await origin.entries().count

        var cdn = try await RunningCDN.start(url, store: store.path)
        #expect(try await play(cdn.base + "/") == direct)
        let base = "\(origin.base)/\(film.directory)"
        #expect(base.hasSuffix("/"))
        // Paths resolve against the directory of the film.
        let inside = files.map { String($0.dropFirst(film.directory.count)) }
        let beside = "\(root)/\(film.directory)"
        try await expectWhole(inside, below: cdn.base, equal: beside)
        let first = try await origin.entries().dropFirst(before)
        #expect(first.map(\.bodyBytes).reduce(0, +) > 0, "the first play came from somewhere else")

        let filled = before + first.count
        func expectNoBody(_ occasion: String) async throws {
            let later = try await origin.entries().dropFirst(filled).filter { $0.bodyBytes > 0 }
            #expect(later.isEmpty, "\(occasion): \(later)")
        }
        #expect(try await play(cdn.base + "/") == direct)
        try await expectWhole(inside, below: cdn.base, equal: beside)
        try await expectNoBody("second play")

        #expect(try await cdn.stop().status == 0)
        cdn = try await RunningCDN.start(url, store: store.path)
        #expect(try await play(cdn.base + "/") == direct)
        try await expectWhole(inside, below: cdn.base, equal: beside)
        try await expectNoBody("after a restart")

        try await cdn.stop(by: SIGKILL)
        cdn = try await RunningCDN.start(url, store: store.path)
        #expect(try await play(cdn.base + "/") == direct)
        try await expectWhole(inside, below: cdn.base, equal: beside)
        try await expectNoBody("after a kill")
        #expect(try await cdn.stop().status == 0)
        try await expectNoBody("at the end")
    }

    @Test(arguments: Film.files)
    func `ranges are the origin's octets, in an empty store and in a full one`(_ film: Film) async throws {
        let root = try await Media.shared.root()
        let (origin, store) = (try await NginxOrigin.start(serving: root), try TemporaryDirectory())
        let cdn = try await RunningCDN.start("\(origin.base)/", store: store.path)
        let (url, file) = ("\(cdn.base)/\(film.entry)", "\(root)/\(film.entry)")
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let length = try Data(contentsOf: URL(filePath: file), options: .alwaysMapped).count
        let ranges = AskedRange.some(of: length, using: &generator).shuffled(using: &generator)
        print("seed of the ranges of \(film.name): \(seed)")
        try await expectRanges(ranges, of: url, equal: file, status: ["206"])
        try await expectWhole([film.entry], below: cdn.base, equal: root)
        let filled = try await origin.entries().count
        try await expectRanges(ranges, of: url, equal: file, status: ["206"])
        #expect(try await origin.entries().dropFirst(filled).filter { $0.bodyBytes > 0 }.isEmpty)
        #expect(try await cdn.stop().status == 0)
    }

    @Test(arguments: Film.all)
    func `plays from Python's server, which knows no ranges`(_ film: Film) async throws {
        let root = try await Media.shared.root()
        let (origin, store) = (try await PythonOrigin.start(serving: root), try TemporaryDirectory())
        let url = "\(origin.base)/\(film.entry)"
        let direct = try await play("\(root)/\(film.entry)")
        let cdn = try await RunningCDN.start(url, store: store.path)
        let files = try film.files(below: root).map { String($0.dropFirst(film.directory.count)) }
        let beside = "\(root)/\(film.directory)"
        for _ in 1...2 {
            #expect(try await play(cdn.base + "/") == direct)
            try await expectWhole(files, below: cdn.base, equal: beside)
        }
        if film.parts == nil {
            let file = "\(root)/\(film.entry)"
            let length = try Data(contentsOf: URL(filePath: file), options: .alwaysMapped).count
            var generator = SeededGenerator(seed: 1)
            let ranges = AskedRange.some(of: length, using: &generator)
            try await expectRanges(ranges, of: cdn.base + "/", equal: file, status: ["200", "206"])
        }
        #expect(try await cdn.stop().status == 0)
    }

    @Test func `a kill in the middle of a fill breaks the transfer and leaves nothing wrong behind`() async throws {
        let root = try await Media.shared.root()
        let (origin, store) = (try await NginxOrigin.start(serving: root), try TemporaryDirectory())
        let (url, name) = ("\(origin.base)/", Film.faststart.entry)
        var cdn = try await RunningCDN.start(url, store: store.path)
        let received = store.file("received")
        let client = try RunningProcess([
            "curl", "-sSv", "--noproxy", "*", "--limit-rate", "4M", "-o", received, "\(cdn.base)/\(name)",
        ])
        // The head has come, so the fill runs; at this rate the body takes more than ten seconds.
        _ = try await client.line(.errors, matching: { $0.lowercased().hasPrefix("< content-length:") })
        try await RunningProcess.succeed([
            "curl", "-sS", "--noproxy", "*", "-r", "0-9999999", "-o", "/dev/null", "\(cdn.base)/\(name)",
        ])
        try await cdn.stop(by: SIGKILL)
        #expect(try await client.outcome().status != 0, "a short body looked whole")
        cdn = try await RunningCDN.start(url, store: store.path)
        try await expectWhole([name], below: cdn.base, equal: root)
        #expect(try await cdn.stop().status == 0)
    }
}
