// The seam to where stored responses are kept: facts in an index, body octets in segment files.

package import HTTP

/// Keeps stored responses: in memory, on a disk.
///
/// The order of writing is octets first, fact second: a caller writes body octets into a segment's file, and only then
/// commits the extents that they fill. So a kill at any moment loses at most what was not yet a fact, and no fact is
/// ever wrong. A power loss may take octets whose fact it leaves: each run of octets is committed with its checksum, and is
/// a suspect after such an end until it was checked.
package protocol CacheStore: Sendable {
    /// What is stored for `key`, all variants, in no particular order; empty if nothing is.
    func records(for key: CacheKey) async throws -> [StoredRecord]

    /// Makes `changes` facts, in order, all or none of them; returns when a kill of the process would not undo them.
    func commit(_ changes: [StoreChange]) async throws

    /// The file that holds a segment's octets at their offset within the segment.
    ///
    /// Throws ``HTTPCacheError`` with code `segmentMissing` if it cannot be read and `creating` is false. May block on the
    /// disk; not called on an event loop.
    func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile

    /// Deletes the files of a removed response once nobody reads it any more, or of one evicted segment.
    func discardFiles(of response: ResponseID, segment: Int?)

    /// What holds octets, from the least recently stored or used on: at most `limit` units behind `position`, nil from the
    /// first; none: that is all.
    ///
    /// What is stored or used meanwhile moves to the end, and may be listed twice.
    func units(after position: Int64?, limit: Int) async throws -> [StoredUnit]

    /// How many body octets are facts now.
    var usedBytes: Int64 { get }
}

/// Identifies one stored response for its whole life, across restarts; never used twice.
package struct ResponseID: Sendable, Hashable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

}

/// Identifies one segment: octets `index * segmentBytes ..< (index + 1) * segmentBytes` of a body.
package struct SegmentID: Sendable, Hashable {
    package let response: ResponseID
    package let index: Int

    package init(response: ResponseID, index: Int) {
        self.response = response
        self.index = index
    }
}

/// The facts about one stored response.
package struct StoredRecord: Sendable, Equatable {
    package var id: ResponseID
    package var key: CacheKey
    /// Status, fields, freshness and selecting fields, in ``ResponseMetadata``'s encoding; opaque to a store.
    package var metadata: [UInt8]
    /// The body's length, once it is known for a fact.
    package var length: Int64?
    /// The whole body, if it is small enough to be kept with the facts.
    package var inlineBody: [UInt8]?
    /// By segment, the octets held, as offsets within the body, ascending and disjoint; ``StoreChange/put(_:)`` ignores it.
    package var segments: [Int: [Range<Int64>]]
    /// Those of the octets held that may not be what was written, since the system went down: to be checked before use.
    package var suspects: [StoredRun]

    package init(
        id: ResponseID,
        key: CacheKey,
        metadata: [UInt8],
        length: Int64?,
        inlineBody: [UInt8]? = nil,
        segments: [Int: [Range<Int64>]] = [:],
        suspects: [StoredRun] = []
    ) {
        self.id = id
        self.key = key
        self.metadata = metadata
        self.length = length
        self.inlineBody = inlineBody
        self.segments = segments
        self.suspects = suspects
    }
}

/// One change of the facts.
package enum StoreChange: Sendable {
    /// Adds a response, or replaces all that is known of it except its segments.
    case put(StoredRecord)
    /// Says which octets a segment still holds, and which runs it holds from now on; none: the segment is gone.
    ///
    /// Earlier runs that are not wholly in the ranges are forgotten, and so are those that a new run overlaps: a run is
    /// believed or forgotten as a whole. Of no effect if the response is not stored.
    case extents(SegmentID, [Range<Int64>], adding: [StoredRun] = [])
    /// Removes a response and its segments from the facts; its files stay until they are discarded.
    case remove(ResponseID)
    /// Removes a response from the facts if it holds no octets: neither a segment nor an inline body.
    case removeIfEmpty(ResponseID)
    /// Marks responses' segments (or inline bodies, with index -1) as used now.
    case touch([SegmentID])
}

/// One thing that can be evicted: a segment, or a response whose body is inline, which goes as a whole.
package struct StoredUnit: Sendable, Equatable {
    /// The segment; -1 for an inline body.
    package var id: SegmentID
    /// The octets that it holds.
    package var bytes: Int64
    /// Whether it was touched since it was stored.
    package var wasUsedAgain: Bool
    /// Where it stands in the order of use; no two have the same.
    package var position: Int64

    package init(id: SegmentID, bytes: Int64, wasUsedAgain: Bool, position: Int64) {
        self.id = id
        self.bytes = bytes
        self.wasUsedAgain = wasUsedAgain
        self.position = position
    }
}

extension SegmentID {
    /// The index that stands for an inline body where segments are listed.
    package static var inlineIndex: Int { -1 }

    /// The unit that a response's inline body is.
    package static func inlineBody(of response: ResponseID) -> SegmentID {
        SegmentID(response: response, index: inlineIndex)
    }
}
