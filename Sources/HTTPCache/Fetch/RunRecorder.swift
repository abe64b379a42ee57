// Sums up octets as they are written, so that they can become facts without being read again.

/// The runs that one fill has written and not yet committed.
struct RunRecorder {
    private let stream = Checksum.Stream()
    /// The run that is being written.
    private var open: Range<Int64> = 0..<0
    private var closed: [StoredRun] = []

    /// How many octets are waiting to become facts.
    private(set) var count: Int64 = 0

    /// Takes octets that stand in the store's files at `position` of the body, all in one segment.
    mutating func add(_ bytes: ArraySlice<UInt8>, at position: Int64, segmentBytes: Int64) {
        if open.isEmpty || open.upperBound != position || position % segmentBytes == 0 { close(at: position) }
        bytes.withUnsafeBytes { stream.add($0) }
        open = open.lowerBound..<position + Int64(bytes.count)
        count += Int64(bytes.count)
    }

    /// The runs so far, which are forgotten here.
    mutating func take() -> [StoredRun] {
        close(at: open.upperBound)
        defer { (closed, count) = ([], 0) }
        return closed
    }

    /// Ends the run that is being written; the next one starts at `position`.
    private mutating func close(at position: Int64) {
        if !open.isEmpty {
            // What is written twice, as a small body that has grown, is the later run's alone.
            closed.removeAll { $0.range.overlaps(open) }
            closed.append(StoredRun(range: open, checksum: stream.sum))
        }
        stream.reset()
        open = position..<position
    }
}
