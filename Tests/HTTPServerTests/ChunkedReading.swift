// Chunked bodies for the tests of this module.

import HTTP
import HTTPServer

/// The data of a chunked body given in pieces and how many octets it took; nil: more are needed.
func decodeChunked(_ pieces: [[UInt8]]) throws(RequestRefusal) -> (data: [UInt8], count: Int)? {
    var decoder = ChunkedDecoder()
    var data: [UInt8] = []
    var before = 0
    do throws(ChunkedFault) {
        for piece in pieces {
            var at = 0
            reading: while true {
                switch try decoder.next(piece.span, from: at) {
                case .needsMore: break reading
                case .data(let range):
                    data += piece[range]
                    at = range.upperBound
                case .end(let end): return (data, before + end)
                }
            }
            before += piece.count
        }
    } catch {
        throw RequestRefusal(error)
    }
    return nil
}

func decodeChunked(_ text: String) throws(RequestRefusal) -> (data: [UInt8], count: Int)? {
    try decodeChunked([Array(text.utf8)])
}
