// What a peer sends: the same frames however they are cut, values that stay what they are when they are written again, and
// nothing larger than is allowed.

@testable import PeerCompression
@testable import PeerNetwork

/// Octets: two that say how to cut, one that names a compression, then a stream, taken for frames, for a value, for what a
/// message says, for what was compressed and for what is to be.
struct PeerFramesFuzz: FuzzTarget {
    private static let lengthMax = 1 << 12
    private let compressor = SystemCompressor()

    func run(_ octets: [UInt8]) {
        guard octets.count > 3 else { return }
        let stream = Array(octets.dropFirst(3))
        let whole = frames([stream])
        hold(frames(stream.cut(by: octets.prefix(2))) == whole, "other frames in pieces")
        hold(stream.starts(with: whole.payloads.flatMap { FrameReader.frame($0) }), "other frames when written")
        for payload in whole.payloads { _ = PeerMessage(body: payload) }
        value(stream)
        message(stream, spoilt: Int(octets[0]) * 256 + Int(octets[1]))
        compression(stream, SystemCompressor.all[Int(octets[2]) % SystemCompressor.all.count])
        number(stream)
    }

    // MARK: Frames

    private struct Reading: Equatable {
        var payloads: [[UInt8]] = []
        var isTooLong = false
        var isWithinFrame = false
    }

    private func frames(_ pieces: [[UInt8]]) -> Reading {
        var reader = FrameReader()
        var reading = Reading()
        for piece in pieces {
            reader.append(piece)
            do {
                while let payload = try reader.next(lengthMax: Self.lengthMax) {
                    hold(payload.count <= Self.lengthMax, "a frame above the limit")
                    reading.payloads.append(Array(payload))
                }
            } catch {
                reading.isTooLong = true
                return reading
            }
        }
        reading.isWithinFrame = reader.isWithinFrame
        return reading
    }

    // MARK: Values and messages

    /// Values are compared as they are written: of those that are no number none is like itself.
    private func value(_ octets: [UInt8]) {
        var reader = MessageReader(octets[...])
        guard let value = reader.readValue() else { return }
        var written: [UInt8] = []
        value.write(to: &written)
        var again = MessageReader(written[...])
        guard let same = again.readValue() else { fail("a value that cannot be read when it is written") }
        var twice: [UInt8] = []
        same.write(to: &twice)
        hold(twice == written, "another value when written and read")
        // A float of 32 bits is written in 64: all others are not longer than they were.
        hold(written.count <= 2 * octets.count, "a value that grows")
        hold(value.octets.map { Array($0).count <= octets.count } ?? true, "more octets than there are")
        _ = PeerAddress(value).map { hold((1...65_535).contains($0.port), "a port that is none") }
    }

    private func message(_ packed: [UInt8], spoilt: Int) {
        let body = MessageID(ofPacked: packed[...]).octets + packed
        var wrong = body
        wrong[spoilt % body.count] ^= 0x10
        hold(PeerMessage(body: wrong) == nil, "a message with a wrong checksum")
        guard let message = PeerMessage(body: body) else { return }
        hold(message.body == body, "a message of other octets")
        hold(message.id.octets == Array(body.prefix(32)), "a message of another name")
        guard let subFlag = message.subFlag else { return }
        let made = PeerMessage(message.mainFlag, subFlag, from: message.sender, at: message.time, message.payload)
        guard let read = PeerMessage(body: made.body) else { fail("a message that is none when written") }
        hold(read.id == made.id && read.body == made.body, "another message when read")
        hold(read.mainFlag == message.mainFlag && read.subFlag == subFlag, "another message when written: flags")
        hold(read.sender == message.sender && read.time == message.time, "another message when written: sender, time")
        hold(written(read.payload) == written(message.payload), "another message when written: payload")
    }

    private func written(_ values: [MessageValue]) -> [UInt8] {
        var octets: [UInt8] = []
        for value in values { value.write(to: &octets) }
        return octets
    }

    // MARK: Compression

    private func compression(_ octets: [UInt8], _ method: CompressionMethod) {
        if let content = compressor.decompress(octets[...], by: method, lengthMax: Self.lengthMax) {
            hold(content.count <= Self.lengthMax, "more than is allowed")
            fits(octets, content, method)
        }
        guard let packed = compressor.compress(octets, by: method) else { fail("what cannot be compressed") }
        fits(packed, octets, method)
    }

    /// It is decompressed where there is just room enough, and not where there is not.
    private func fits(_ packed: [UInt8], _ content: [UInt8], _ method: CompressionMethod) {
        let (count, payload) = (content.count, ([7] + packed)[1...])
        hold(compressor.decompress(payload, by: method, lengthMax: count) == content, "no room, or other content")
        guard count > 0 else { return }
        hold(compressor.decompress(payload, by: method, lengthMax: count - 1) == nil, "more than there is room for")
    }

    // MARK: Numbers

    private func number(_ text: [UInt8]) {
        guard let octets = Base58.decode(text, byteCount: 48) else { return }
        hold(octets.count == 48, "a number of another length")
        let shortest = text.drop { $0 == 0x31 }
        hold(Base58.encode(octets) == (shortest.isEmpty ? [0x31] : Array(shortest)), "another text of a number")
    }

    var seeds: [[UInt8]] {
        let id = NodeID("8SwQyn5ckudZ9zFLGF1HKM4vhFoh1j5SzvFTAzPnomCygixdZqR3s6T995GGG8R9xw")
        let said: [MessageValue] = [
            "hello", .binary([0, 255]), 5, .array([1, -2, .double(3.5), .null, .bool(true), .map([.init("a", "b")])]),
            .extended(-1, [1, 2]), .unsigned(.max), .integer(.min), .double(.nan),
        ]
        let place = MessageValue.array([.text("127.0.0.1"), 43_002])
        let messages = [
            PeerMessage(0, 0, from: id, at: 1_795_227_732, said),
            PeerMessage(2, 5, from: id, at: 1, [.binary(id.octets), .binary([1]), place, .array([0x13, 0x11])]),
            PeerMessage(2, 11, from: id, at: 2, ["key", "value", .binary(id.octets), 1_795_227_732]),
        ]
        let frames = messages.flatMap { FrameReader.frame($0.body) }
        var seeds = [frames, frames + [0, 0, 16, 1, 0], Array(id.octets), [0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0]]
        for message in messages { seeds.append(Array(message.body.dropFirst(32))) }
        for method in SystemCompressor.all {
            for content in [[], messages[0].body, [UInt8](repeating: 0, count: 5000)] {
                seeds.append(compressor.compress(content, by: method) ?? [])
            }
        }
        seeds.append([UInt8](repeating: 0x91, count: 100) + [0xc0])
        seeds += [
            [0xca, 0x7f, 0xa0, 0, 1], [0x82, 0xc0, 0xc1], [0xc7, 3, 5, 1, 2, 3],
            [0xd3] + [UInt8](repeating: 0x80, count: 8),
        ]
        return seeds.enumerated().map { [UInt8($0.offset), 3, UInt8($0.offset)] + $0.element }
    }
}
