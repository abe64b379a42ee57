// Writing body octets at their place in a segment's file.

import HTTP

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension OpenFile {
    /// Writes all of `bytes` at `offset`; throws ``HTTPCacheError`` with code `storeFailed` if not all of it can be written.
    func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(HTTPCacheError) {
        let code: Int32 = bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(base + offset) + off_t(written))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return errno }
                written += count
            }
            return 0
        }
        guard code == 0 else {
            throw HTTPCacheError(.storeFailed, "could not write a body: \(String(cString: strerror(code)))")
        }
        noteWritten(to: offset + Int64(bytes.count))
    }
}
