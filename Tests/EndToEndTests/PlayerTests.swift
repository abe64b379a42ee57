// What people watch with: mpv, VLC and Chromium on the real `cdn`, with seeks, in front of nginx.

import Foundation
import TestSupport
import Testing

/// `./waystation test --players` installs them and sets the variable.
private let playersAreOn = ProcessInfo.processInfo.environment["WAYSTATION_TEST_PLAYERS"] == "1"

@Suite(.serialized, .enabled(if: playersAreOn, "players are tested by ./waystation test --players"))
struct PlayerTests {
    /// A `cdn` in front of nginx, for one medium or for all.
    private struct House {
        let root: String
        let origin: NginxOrigin
        let store: TemporaryDirectory
        let cdn: RunningCDN

        init(_ film: Film?) async throws {
            (root, store) = (try await Media.shared.root(), try TemporaryDirectory())
            origin = try await NginxOrigin.start(serving: root)
            cdn = try await RunningCDN.start("\(origin.base)/\(film?.entry ?? "")", store: store.path)
        }

        /// Expects what `action` does to take no body from the origin.
        func expectNoBody(_ action: () async throws -> Void) async throws {
            let before = try await origin.entries().count
            try await action()
            let all = try await origin.entries()
            let later = all.dropFirst(before).filter { $0.bodyBytes > 0 }
            #expect(later.isEmpty, "before it: \(all.prefix(before)); cdn said: \(cdn.said)")
        }

        /// Fetches every file of `film` and compares it, so that all of it is held afterwards.
        func expectWhole(_ film: Film, at base: String) async throws {
            let files = try film.files(below: root).map { String($0.dropFirst(film.directory.count)) }
            try await EndToEndTests.expectWhole(files, below: base, equal: "\(root)/\(film.directory)")
        }
    }

    // MARK: mpv

    /// Seeks to each place, says where it landed each time, and quits.
    private static let seeks = """
        local targets, at = {90, 10, 60}, 0
        local function seek_next()
            at = at + 1
            if at > #targets then
                mp.command("quit 0")
            else
                mp.commandv("seek", targets[at], "absolute-percent+exact")
            end
        end
        mp.register_event("file-loaded", seek_next)
        mp.register_event("playback-restart", function()
            print("at " .. 100 * mp.get_property_number("time-pos") / mp.get_property_number("duration"))
            seek_next()
        end)
        """

    private func expectMPVPlays(_ film: Film, at url: String) async throws {
        let directory = try TemporaryDirectory()
        let script = try directory.write(Self.seeks, to: "seeks.lua")
        let quiet = ["mpv", "--no-config", "--vo=null", "--ao=null", "--msg-level=all=error,seeks=info", url]
        if film.entry == Film.fragmented.entry {
            // The demuxer of Debian 12's ffmpeg loses its way when it seeks in this one, in a local file too.
            let mpv = try await RunningProcess.run(quiet + ["--length=3"])
            #expect(mpv.status == 0 && mpv.output + mpv.errors == "")
            return
        }
        let mpv = try await RunningProcess.run(quiet + ["--script=\(script)"])
        let places = mpv.output.matches(of: #/at ([0-9.]+)/#).compactMap { Double($0.1) }
        #expect(mpv.status == 0 && mpv.errors == "", "\(mpv.output)")
        #expect(places.count == 3, "\(mpv.output)")
        for (place, target) in zip(places, [90.0, 10, 60]) { #expect(abs(place - target) < 2) }
    }

    @Test(.enabled(if: RunningProcess.isInstalled("mpv"), "mpv is not installed"), arguments: Film.all)
    func `mpv plays and seeks, the second time without the origin`(_ film: Film) async throws {
        let house = try await House(film)
        try await expectMPVPlays(film, at: house.cdn.base + "/")
        try await house.expectWhole(film, at: house.cdn.base)
        try await house.expectNoBody { try await expectMPVPlays(film, at: house.cdn.base + "/") }
        #expect(try await house.cdn.stop().status == 0)
    }

    // MARK: VLC

    private func expectVLCPlays(_ url: String) async throws {
        let home = try TemporaryDirectory()
        var command = [
            "cvlc", "-vv", "--no-color", "--no-dbus", "--intf", "dummy", "--vout", "dummy", "--aout", "dummy",
            "--play-and-exit", "--start-time", "6", "--run-time", "2", url,
        ]
        if geteuid() == 0 {
            // VLC refuses to run as root.
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: home.path)
            command = ["runuser", "-u", "nobody", "--"] + command
        }
        let vlc = try await RunningProcess.run(command, environment: ["HOME": home.path])
        // It exits with 0 whatever happened; what it logs tells.
        let log = vlc.output + vlc.errors
        #expect(vlc.status == 0)
        #expect(log.contains("Received first picture"), "\(log.suffix(4000))")
        let faults = log.split(separator: "\n").filter {
            $0.contains(#/(stream|demux|decoder|access|http|input) error|cannot|truncated/#)
        }
        #expect(faults.isEmpty)
    }

    @Test(.enabled(if: RunningProcess.isInstalled("cvlc"), "VLC is not installed"), arguments: Film.all)
    func `VLC plays from the middle, the second time without the origin`(_ film: Film) async throws {
        let house = try await House(film)
        try await expectVLCPlays(house.cdn.base + "/")
        try await house.expectWhole(film, at: house.cdn.base)
        try await house.expectNoBody { try await expectVLCPlays(house.cdn.base + "/") }
        #expect(try await house.cdn.stop().status == 0)
    }

    // MARK: Chromium

    private func chromium(_ profile: TemporaryDirectory, _ arguments: String...) -> [String] {
        [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-dev-shm-usage",
            "--autoplay-policy=no-user-gesture-required", "--user-data-dir=\(profile.path)",
        ] + arguments
    }

    /// Opens the page on `film` and waits for what it reports: the end, colours seen after each seek, the duration.
    private func expectChromiumPlays(_ film: Film, in house: House) async throws {
        let profile = try TemporaryDirectory()
        let before = try await house.origin.entries().count
        let browser = try RunningProcess(
            chromium(profile, "\(house.cdn.base)/page.html?\(film.entry)"),
            environment: ["TMPDIR": profile.path]
        )
        let report = try await house.origin.entry(to: "/report-", after: before, within: .seconds(90))
        let words = report.target.removingPercentEncoding?.split(separator: "-").map(String.init) ?? []
        #expect(words.count == 5 && words[1] == "ok", "\(report)")
        for word in words.dropFirst(2).prefix(2) {
            let colours = word.split(separator: ":").last.flatMap { Int($0) } ?? 0
            #expect(colours > 10, "\(report)")
        }
        browser.kill()
        try await browser.outcome()
    }

    @Test(.enabled(if: RunningProcess.isInstalled("chromium"), "Chromium is not installed"), arguments: Film.files)
    func `Chromium plays and seeks in a page, the second time without the origin`(_ film: Film) async throws {
        let house = try await House(nil)
        try await expectChromiumPlays(film, in: house)
        try await house.expectWhole(film, at: house.cdn.base)
        try await house.expectNoBody { try await expectChromiumPlays(film, in: house) }
        #expect(try await house.cdn.stop().status == 0)
    }

    @Test(.enabled(if: RunningProcess.isInstalled("chromium"), "Chromium is not installed"))
    func `Chromium shows the picture`() async throws {
        let (house, profile) = (try await House(nil), try TemporaryDirectory())
        let (shot, grey) = (profile.file("shot.png"), profile.file("grey"))
        try await RunningProcess.succeed(
            chromium(
                profile,
                "--window-size=640,360",
                "--screenshot=\(shot)",
                "\(house.cdn.base)/page.html?\(Film.faststart.entry)"
            ),
            environment: ["TMPDIR": profile.path]
        )
        // WAYSTATION_TEST_SCREENSHOT names a file to keep it in, to be looked at.
        if let path = ProcessInfo.processInfo.environment["WAYSTATION_TEST_SCREENSHOT"] {
            try Data(contentsOf: URL(filePath: shot)).write(to: URL(filePath: path))
        }
        try await RunningProcess.succeed([
            "ffmpeg", "-nostdin", "-v", "error", "-i", shot, "-pix_fmt", "gray", "-f", "rawvideo", grey,
        ])
        let pixels = try Data(contentsOf: URL(filePath: grey))
        #expect(Set(pixels).count > 100, "the page is blank")
        #expect(try await house.cdn.stop().status == 0)
    }
}
