// A hash of octets, to tell after a power loss whether they are the ones that were written.

import CXXHash

/// XXH3 of 64 bits: against what a disk loses, not against what somebody forges.
package enum Checksum {
    /// The checksum of `bytes`.
    package static func of(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.withContiguousStorageIfAvailable { cxxhash_of($0.baseAddress, $0.count) }
            ?? Array(bytes).withUnsafeBytes { cxxhash_of($0.baseAddress, $0.count) }
    }

    /// The checksum of octets that come one piece after the other; for one caller at a time.
    package final class Stream {
        // Without memory for it there is no sum: octets that cannot be checked are fetched again, no worse.
        private let stream = cxxhash_stream_create()

        /// Of no octets yet.
        package init() {}

        deinit {
            cxxhash_stream_free(stream)
        }

        /// The checksum of all octets so far.
        package var sum: UInt64 { stream.map { cxxhash_stream_digest($0) } ?? 0 }

        /// Takes more octets.
        package func add(_ bytes: UnsafeRawBufferPointer) {
            if let stream { cxxhash_stream_update(stream, bytes.baseAddress, bytes.count) }
        }

        /// Forgets all octets.
        package func reset() {
            if let stream { cxxhash_stream_reset(stream) }
        }
    }
}
