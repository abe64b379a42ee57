// What those who run a cache may look at while it works.

extension CachingResponder {
    /// What is being fetched from the origin now, the oldest first.
    package var fillsUnderWay: [FillUnderWay] { coordinator.fills.underWay }

    /// Questions to the origin whose answer has not begun to come, and the requests that wait for one.
    package var waiting: (questions: Int, requests: Int) { coordinator.waiting }

    /// Keys and octets in memory, and how many octets there may be.
    package var memoryUsage: (keys: Int, bytes: Int64, bytesMax: Int64) {
        let usage = table.usage
        return (usage.keys, usage.bytes, configuration.memoryBytesMax)
    }

    /// Octets of bodies in the store, and how many there may be.
    package var storeUsage: (bytes: Int64, bytesMax: Int64) {
        (coordinator.store.usedBytes, configuration.storeBytesMax)
    }
}
