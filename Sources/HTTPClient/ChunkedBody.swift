// A chunked response body as it comes in: its data, its end, and whether more came than an answer.

import HTTP

/// The chunks of one response, read by the same strict rules as those of requests; pure.
struct ChunkedBody {
    private var decoder: ChunkedDecoder

    init(_ configuration: HTTPClientConfiguration) {
        decoder = ChunkedDecoder(trailerBytesMax: configuration.headBytesMax)
    }

    /// Whether the last chunk and its trailers have been read.
    var hasEnded: Bool { decoder.hasEnded }

    /// Appends the data in `piece` to `octets`; returns whether octets follow the body's end, which nobody asked for.
    mutating func take(_ piece: Span<UInt8>, into octets: inout [UInt8]) throws(ChunkedFault) -> Bool {
        var at = 0
        while true {
            switch try decoder.next(piece, from: at) {
            case .needsMore: return false
            case .end(let end): return end < piece.count
            case .data(let range):
                piece.extracting(range).withUnsafeBufferPointer { octets.append(contentsOf: $0) }
                at = range.upperBound
            }
        }
    }
}
