// The media that the end-to-end tests play, made once a run with ffmpeg.

import Foundation
import Synchronization
import TestSupport

/// A directory with all of ``Film/all`` in it and `page.html`, which plays one in a browser.
actor Media {
    static let shared = Media()
    private var making: Task<TemporaryDirectory, any Error>?

    /// Where they are, when they are made.
    func root() async throws -> String {
        let task = making ?? Task { try await Self.make() }
        making = task
        return try await task.value.path
    }

    /// A picture with a clock that moves, and a tone.
    private static func source(size: String, seconds: Int) -> [String] {
        [
            "-f", "lavfi", "-i", "testsrc2=size=\(size):rate=25:duration=\(seconds)",
            "-f", "lavfi", "-i", "sine=frequency=440:duration=\(seconds)",
        ]
    }

    /// The directory of this run; nobody lets go of it, so it is removed at the exit.
    private static let made = Mutex<TemporaryDirectory?>(nil)

    private static func make() async throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        made.withLock { $0 = directory }
        atexit { Media.made.withLock { $0 }?.remove() }
        for name in ["hls", "fmp4"] {
            try FileManager.default.createDirectory(atPath: directory.file(name), withIntermediateDirectories: false)
        }
        func ffmpeg(_ arguments: [String]) async throws {
            try await RunningProcess.succeed(
                ["ffmpeg", "-nostdin", "-v", "error"] + arguments,
                directory: directory.path,
                within: .seconds(600)
            )
        }
        let h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac"]
        // Noise makes 64 MiB of a few seconds; a quantiser that varies nothing makes it fast.
        let noisy = source(size: "640x360", seconds: 13) + ["-vf", "noise=alls=60:allf=t"] + h264 + ["-qp", "18"]
        try await ffmpeg(noisy + ["late.mp4"])
        try await ffmpeg(["-i", "late.mp4", "-c", "copy", "-movflags", "+faststart", "film.mp4"])
        let clip = source(size: "320x180", seconds: 66) + h264 + ["-b:v", "400k"]
        try await ffmpeg(clip + ["clip.mp4"])
        let playlist = ["-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"]
        let parts = ["-hls_segment_filename", "hls/part%03d.ts", "hls/master.m3u8"]
        try await ffmpeg(["-i", "clip.mp4"] + playlist + parts)
        let fragments = ["-hls_segment_type", "fmp4", "-hls_segment_filename", "fmp4/part%03d.m4s", "fmp4/master.m3u8"]
        try await ffmpeg(["-i", "clip.mp4"] + playlist + fragments)
        let webM = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k", "-c:a", "libopus"]
        try await ffmpeg(source(size: "320x180", seconds: 12) + webM + ["clip.webm"])
        _ = try directory.write(page, to: "page.html")
        return directory
    }

    /// Plays the file named after the question mark, seeks twice, and reports to its server what it saw.
    private static let page = """
        <!doctype html><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
        <body style="margin:0"><video id="v" muted preload="auto" width="640" height="360"></video><script>
        const v = document.getElementById("v"), seen = [];
        const event = (name) => new Promise((done, fail) => {
            v.addEventListener(name, done, { once: true });
            v.addEventListener("error", () => fail(new Error("media error " + v.error?.code + " " + v.error?.message)));
        });
        // How many different colours a row of the picture has: a blank one has a single colour.
        function colours() {
            const c = document.createElement("canvas");
            [c.width, c.height] = [v.videoWidth, v.videoHeight];
            const g = c.getContext("2d");
            g.drawImage(v, 0, 0);
            const row = new Uint32Array(g.getImageData(0, c.height >> 1, c.width, 1).data.buffer);
            return new Set(row).size;
        }
        async function play() {
            const loaded = event("canplay");
            v.src = location.search.slice(1);
            await loaded;
            for (const part of [0.8, 0.2]) {
                const sought = event("seeked");
                v.currentTime = v.duration * part;
                await sought;
                const from = v.currentTime, moved = event("timeupdate");
                await v.play();
                await moved;
                while (v.currentTime <= from) await event("timeupdate");
                v.pause();
                seen.push(part + ":" + colours());
            }
            return "ok";
        }
        play().catch((error) => "failed-" + error.message)
            .then((end) => fetch("report-" + encodeURIComponent(end + "-" + seen.join("-") + "-" + v.duration)));
        </script>
        """
}
