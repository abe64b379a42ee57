// Stored responses made by hand, for tests of what holds them.

import HTTP

@testable import HTTPCache

extension StoredResponse {
    /// A stored response of `key` with `inline` as its body.
    static func made(
        _ key: CacheKey,
        id: UInt64,
        fields: Fields = ["Cache-Control": "max-age=60", "ETag": "\"v1\""],
        selecting: Fields = [:],
        inline: [UInt8] = [1, 2, 3]
    ) -> StoredResponse {
        let body = Body(length: Int64(inline.count), isResumable: true, limits: BodyLimits(), inline: inline)
        return made(key, id: id, fields: fields, selecting: selecting, body: body, store: MemoryStore())
    }

    /// A stored response of which nothing is held yet.
    static func segmented(length: Int64, segmentBytes: Int64, store: any CacheStore) -> StoredResponse {
        var limits = BodyLimits()
        limits.segmentBytes = segmentBytes
        return made(
            CacheKey("http://o/segmented"),
            id: 1,
            fields: ["Cache-Control": "max-age=60", "ETag": "\"v1\""],
            selecting: [:],
            body: Body(length: length, isResumable: true, limits: limits),
            store: store
        )
    }

    private static func made(
        _ key: CacheKey,
        id: UInt64,
        fields: Fields,
        selecting: Fields,
        body: Body,
        store: any CacheStore
    ) -> StoredResponse {
        let time = Timestamp(seconds: 1_800_000_000)
        return StoredResponse(
            id: ResponseID(rawValue: id),
            key: key,
            metadata: ResponseMetadata(
                status: 200,
                fields: fields,
                selecting: selecting,
                requestTime: time,
                responseTime: time
            ),
            body: body,
            store: store,
            overflow: MemoryStore()
        )
    }
}

extension CacheKey {
    /// The key of a URL.
    init(_ text: String) {
        self.init(Array(text.utf8))
    }
}
