// An origin of media whose octets are known, which remembers what it was asked.

import HTTP
import HTTPCache
import Synchronization
import TestSupport

/// Serves `/0`, `/1` and so on: some with a strong tag and ranges, some without either, one without a length.
final class TruthfulOrigin: Responder {
    let media: [Medium]
    private let asked = Mutex<[Int: [Range<Int64>]]>([:])

    init(_ media: [Medium]) {
        self.media = media
    }

    /// The octets that were asked for, by medium.
    var requests: [Int: [Range<Int64>]] { asked.withLock { $0 } }

    func isStrong(_ number: Int) -> Bool { number % 3 != 2 }

    func respond(to request: Request) async throws -> Response {
        let number = Int(String(decoding: request.target.dropFirst(), as: UTF8.self)) ?? 0
        guard media.indices.contains(number) else { throw BodyError.cancelled }
        let medium = media[number]
        var fields: Fields = ["Cache-Control": "max-age=10000"]
        fields.append("ETag", isStrong(number) ? "\"\(number)\"" : "W/\"\(number)\"")
        var range = 0..<medium.count
        var status = 200
        if isStrong(number), let spec = ByteRange.parse(request.fields, specsMax: 1)?.first,
            let resolved = spec.resolve(length: medium.count)
        {
            (range, status) = (resolved, 206)
            fields.append("Content-Range", ContentRange(range: range, completeLength: medium.count).text)
        }
        asked.withLock { $0[number, default: []].append(range) }
        let source = PieceSource(medium, range)
        let length = number % 3 == 2 && number > 3 ? nil : Int64(range.count)
        return Response(status: status, fields: fields, body: Body(length: length, content: .stream(source)))
    }
}

/// A medium in pieces of a few kilobytes.
private final class PieceSource: BodySource {
    private let medium: Medium
    private let rest: Mutex<Range<Int64>>

    init(_ medium: Medium, _ range: Range<Int64>) {
        self.medium = medium
        rest = Mutex(range)
    }

    func next() async throws -> BodyChunk? {
        let piece = rest.withLock { rest in
            let piece = rest.prefix(5000)
            rest = piece.upperBound..<rest.upperBound
            return piece.startIndex..<piece.endIndex
        }
        return piece.isEmpty ? nil : .bytes(medium.octets(in: piece)[...])
    }

    func cancel() {
        rest.withLock { $0 = $0.upperBound..<$0.upperBound }
    }
}
