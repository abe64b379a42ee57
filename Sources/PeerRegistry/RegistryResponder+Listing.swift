// GET /peers: the URLs of several names, or the present peers in order.

import HTTP
import PeerIdentity
import Synchronization

extension RegistryResponder {
    /// `?ids=a,b,c`: `{id: url}`; else a page of the listing.
    func list(_ query: Query) async throws -> Response {
        if let ids = try query.value("ids") { return json(try await batch(ids)) }
        guard !configuration.isPublic else { throw Refusal(404, "this registry is public: it lists nobody") }
        let after = try query.value("after").map { (text) throws(Refusal) in try RegistryResponder.identifier(text) }
        var limit = max(1, configuration.listingMax / 10)
        if let text = try query.value("limit") {
            guard let number = text.span.saturatingDecimal, number > 0 else {
                throw Refusal(400, "limit is no number above 0")
            }
            limit = Int(min(number, Int64(max(1, configuration.listingMax))))
        }
        let found = try await registry.entries(.presentAfter(after?.folded, limit: limit))
        let now = registry.now()
        return json(RegistryResponder.page(found, isFull: found.count >= limit, now: now))
    }

    private func json(_ octets: [UInt8]) -> Response {
        let fields: Fields = ["Content-Type": "application/json", "Cache-Control": "no-store"]
        return Response(status: 200, fields: fields, body: Body(octets))
    }

    private static func page(_ entries: [PeerEntry], isFull: Bool, now: Timestamp) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"peers\":[")
        var isFirst = true
        for entry in entries where entry.isAvailable(at: now) {
            if !isFirst { json.append(0x2c) }
            isFirst = false
            json.append(text: "{\"id\":")
            json.append(jsonString: entry.identifier.text.utf8)
            json.append(text: ",\"url\":")
            json.append(jsonString: entry.url.text.utf8)
            if case .signed(let signed) = entry.content {
                json.append(text: ",\"key\":")
                json.append(jsonString: signed.record.key.base64URL.utf8)
            }
            json.append(text: ",\"expires\":")
            json.append(decimal: entry.presentUntil.seconds)
            json.append(0x7d)
        }
        json.append(0x5d)
        if isFull, let last = entries.last {
            json.append(text: ",\"next\":")
            json.append(jsonString: last.identifier.text.utf8)
        }
        json.append(0x7d)
        return json
    }

    // MARK: Batch

    /// The URLs of those names that are present, by name as it was asked for; a name asked for twice stands once.
    private func batch(_ ids: ArraySlice<UInt8>) async throws -> [UInt8] {
        guard let image = registry.image else { return try await slowBatch(ids) }
        let now = registry.now()
        var json: [UInt8] = [0x7b]
        json.reserveCapacity(ids.count * 4)
        var counts = (asked: 0, found: 0)
        var seen: Set<Int> = []
        try forEachName(in: ids) { (encoded) throws(Refusal) in
            counts.asked += 1
            let (folded, text) = try RegistryResponder.names(encoded)
            guard let entry = image.packedEntry(folded.span), entry.isPresent, entry.presentUntil > now else {
                // What is not there may be what is no name.
                _ = try RegistryResponder.identifier(encoded)
                return
            }
            guard seen.insert(RegistryResponder.hash(text)).inserted else { return }
            counts.found += 1
            if json.count > 1 { json.append(0x2c) }
            json.append(0x22)
            // Names have no octet that JSON escapes.
            json.append(contentsOf: text)
            json.append(0x22)
            json.append(0x3a)
            json.append(jsonString: entry.content.octets[entry.content.url])
        }
        json.append(0x7d)
        count(asked: counts.asked, found: counts.found)
        return json
    }

    /// The folded name, and the name as it was asked for; ASCII is not looked at closely.
    private static func names(_ encoded: ArraySlice<UInt8>) throws(Refusal) -> ([UInt8], ArraySlice<UInt8>) {
        if encoded.allSatisfy({ $0 < 0x80 && $0 != 0x25 }) { return (encoded.map(Octet.lowercased), encoded) }
        let identifier = try identifier(encoded)
        return (Array(identifier.folded.utf8), Array(identifier.text.utf8)[...])
    }

    /// The same from a store that has to be waited for.
    private func slowBatch(_ ids: ArraySlice<UInt8>) async throws -> [UInt8] {
        var names: [PeerIdentifier] = []
        try forEachName(in: ids) { (encoded) throws(Refusal) in
            names.append(try RegistryResponder.identifier(encoded))
        }
        let entries = try await registry.entries(.names(Array(Set(names.map(\.folded)))))
        let now = registry.now()
        var urls: [String: PeerURL] = [:]
        for entry in entries where entry.isAvailable(at: now) { urls[entry.identifier.folded] = entry.url }
        var json: [UInt8] = [0x7b]
        var seen: Set<String> = []
        for name in names {
            guard let url = urls[name.folded], seen.insert(name.text).inserted else { continue }
            if json.count > 1 { json.append(0x2c) }
            json.append(jsonString: name.text.utf8)
            json.append(0x3a)
            json.append(jsonString: url.text.utf8)
        }
        json.append(0x7d)
        count(asked: names.count, found: seen.count)
        return json
    }

    /// The encoded names of a list; an encoded comma separates too, since no name holds one.
    private func forEachName(
        in ids: ArraySlice<UInt8>,
        _ body: (ArraySlice<UInt8>) throws(Refusal) -> Void
    ) throws(Refusal) {
        var start = ids.startIndex
        var index = start
        var count = 0
        while index <= ids.endIndex {
            var width = 0
            if index == ids.endIndex || ids[index] == 0x2c {
                width = 1
            } else if ids[index] == 0x25, index + 2 < ids.endIndex, ids[index + 1] == 0x32,
                ids[index + 2] | 0x20 == 0x63
            {
                width = 3
            }
            guard width > 0 else {
                index += 1
                continue
            }
            count += 1
            guard count <= configuration.batchMax else {
                throw Refusal(400, "ids: at most \(configuration.batchMax) names")
            }
            if index > start { try body(ids[start..<index]) }
            index += width
            start = index
        }
    }

    private func count(asked: Int, found: Int) {
        registry.metrics.lookups.add(asked, ordering: .relaxed)
        registry.metrics.misses.add(asked - found, ordering: .relaxed)
    }

    /// 64 bits that stand for a name asked for; the process's own seed keeps others from choosing two alike.
    private static func hash(_ text: ArraySlice<UInt8>) -> Int {
        var hasher = Hasher()
        text.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
