// The frames that two nodes of py2p exchanged: read, and written again to the last octet.

import Foundation
import PeerCompression
import Testing

@testable import PeerNetwork

/// A captured frame.
struct WireVector: Sendable, CustomTestStringConvertible {
    let name: String
    let frame: [UInt8]
    var testDescription: String { name }

    static let all: [WireVector] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Vectors/frames.tsv")
        // Without the file every test that uses it fails.
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").dropFirst().map { line in
            let parts = line.split(separator: "\t")
            return WireVector(name: String(parts[0]), frame: octets(String(parts[1])))
        }
    }()

    static func octets(_ digits: String) -> [UInt8] {
        let digits = Array(digits)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }

    /// What the frame holds, decompressed if its name says that it is compressed.
    func body() throws -> [UInt8] {
        var reader = FrameReader()
        reader.append(frame)
        let payload = try #require(try reader.next(lengthMax: 1 << 20))
        #expect(!reader.isWithinFrame)
        guard name.contains("zlib") else { return Array(payload) }
        return try #require(SystemCompressor().decompress(payload, by: .zlib, lengthMax: 1 << 20))
    }
}

@Suite struct WireVectorTests {
    @Test func `there are twenty vectors`() {
        #expect(WireVector.all.count == 20)
    }

    @Test(arguments: WireVector.all)
    func `a captured frame is read, and written again to the same octets`(_ vector: WireVector) throws {
        let body = try vector.body()
        let message = try #require(PeerMessage(body: body))
        let subFlag = try #require(message.subFlag)
        #expect(message.id.octets == Array(body[..<32]))
        let again = PeerMessage(message.mainFlag, subFlag, from: message.sender, at: message.time, message.payload)
        #expect(again.body == body)
        #expect(again.id == message.id)
        if !vector.name.contains("zlib") { #expect(FrameReader.frame(again.body) == vector.frame) }
    }

    @Test(arguments: WireVector.all)
    func `a captured message with one bit changed is none`(_ vector: WireVector) throws {
        let body = try vector.body()
        for index in stride(from: 0, to: body.count, by: 3) {
            var changed = body
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(PeerMessage(body: changed) == nil)
        }
    }

    @Test func `the broadcast of the capture has the values that were sent`() throws {
        let vector = try #require(WireVector.all.first { $0.name.hasPrefix("mesh application broadcast") })
        let message = try #require(PeerMessage(body: try vector.body()))
        let list: [MessageValue] = [
            1, -2, .double(3.5), .null, .bool(true), .map([MessageValue.Entry("a", "b")]),
        ]
        #expect(message.payload == ["hello", .binary([0, 0xff]), 5, .array(list)])
        #expect((message.mainFlag, message.subFlag) == (0, 0))
        #expect(message.time == 1_795_227_732)
    }
}
