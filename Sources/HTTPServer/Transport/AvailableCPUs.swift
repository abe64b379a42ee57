// How many CPUs this process may use: the affinity mask and the cgroup's quota, which a core count ignores.

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The number of event loops that can run at the same time.
enum AvailableCPUs {
    /// CPUs of the affinity mask, at most the cgroup's quota rounded up; at least 1.
    static func count() -> Int {
        let allowed = affinityCount() ?? System.coreCount
        guard let quota = cgroupQuota() else { return max(1, allowed) }
        return max(1, min(allowed, quota))
    }

    /// CPUs in the mask of the calling thread, or nil where the kernel does not say.
    ///
    /// Read from the kernel's text because Glibc's module does not export `sched_getaffinity`.
    static func affinityCount(status: String = "/proc/thread-self/status") -> Int? {
        for line in (read(status) ?? "").split(separator: "\n") where line.hasPrefix("Cpus_allowed:") {
            return bitCount(inHexMask: line.dropFirst("Cpus_allowed:".count))
        }
        return nil
    }

    /// The bits set in a mask as the kernel writes it: hexadecimal words with commas between.
    static func bitCount(inHexMask text: Substring) -> Int? {
        let count = text.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
        return count > 0 ? count : nil
    }

    /// The cgroup v2 quota in CPUs, rounded up; the smallest from this process's group up to the root; nil if none.
    static func cgroupQuota(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") -> Int? {
        var group = "/"
        for line in (read(membership) ?? "").split(separator: "\n") where line.hasPrefix("0::") {
            group = String(line.dropFirst(3))
        }
        var parts = group.split(separator: "/").filter { $0 != ".." }
        var smallest: Int?
        while true {
            let path = ([root] + parts.map(String.init) + ["cpu.max"]).joined(separator: "/")
            if let quota = read(path).flatMap(quota(fromText:)) { smallest = min(smallest ?? quota, quota) }
            guard !parts.isEmpty else { return smallest }
            parts.removeLast()
        }
    }

    /// Reads `cpu.max`: `QUOTA PERIOD` in microseconds, or `max PERIOD`.
    static func quota(fromText text: String) -> Int? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]), quota > 0, period > 0 else {
            return nil
        }
        return max(1, (quota - 1) / period + 1)
    }

    /// The text of a small file of the kernel, or nil if there is none.
    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16 * 1024)
        let count = bytes.withUnsafeMutableBytes { unistdRead(descriptor, $0.baseAddress, $0.count) }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

/// `read(2)`, which the method of that name would hide.
private func unistdRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
