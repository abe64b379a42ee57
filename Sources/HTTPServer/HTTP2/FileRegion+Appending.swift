// Octets of a file behind those of a buffer.

import HTTP

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension [UInt8] {
    /// Reads the first `count` octets of `region` behind what is here; false if the file has no more so many.
    ///
    /// Blocks.
    mutating func append(_ region: FileRegion, count: Int) -> Bool {
        var isWhole = false
        append(addingCapacity: count) { output in
            output.withUnsafeMutableBufferPointer { octets, filled in
                let room = UnsafeMutableRawBufferPointer(octets)
                isWhole = region.read(into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]), &filled)
            }
        }
        return isWhole
    }
}

extension FileRegion {
    /// Reads from the region's beginning until `octets` are full; `filled` counts them.
    fileprivate func read(into octets: UnsafeMutableRawBufferPointer, _ filled: inout Int) -> Bool {
        while filled < octets.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: octets[filled...])
            let got = pread(file.descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(filled))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return false }
            filled += got
        }
        return true
    }
}
