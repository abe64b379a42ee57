// What the end-to-end tests play: one value for each way in which media lie on a web server.

import Foundation
import Testing

/// One medium as a person would name it to `cdn`, with every file that playing it reads.
struct Film: Sendable, CustomTestStringConvertible {
    let name: String
    /// The file that is opened, from the root of the media.
    let entry: String
    /// A pattern of names beside the entry that it refers to.
    var parts: String?

    var testDescription: String { name }

    /// The directory of the entry, with a slash at the end unless it is the root.
    var directory: String { entry.contains("/") ? "\(entry.prefix { $0 != "/" })/" : "" }

    static let faststart = Film(name: "MP4 with faststart", entry: "film.mp4")
    static let indexLast = Film(name: "MP4 without faststart", entry: "late.mp4")
    static let webM = Film(name: "WebM", entry: "clip.webm")
    static let hls = Film(name: "HLS VOD of MPEG-TS", entry: "hls/master.m3u8", parts: "*.ts")
    static let fragmented = Film(name: "HLS VOD of fMP4", entry: "fmp4/master.m3u8", parts: "*.m*")
    static let all = [faststart, indexLast, webM, hls, fragmented]
    static let files = [faststart, indexLast, webM]

    /// Every file of it, the entry first.
    func files(below root: String) throws -> [String] {
        guard parts != nil else { return [entry] }
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(directory)").sorted()
        return [entry] + names.map { directory + $0 }.filter { $0 != entry }
    }
}
