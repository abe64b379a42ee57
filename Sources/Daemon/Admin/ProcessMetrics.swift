// What every program tells of its own process.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Figures of this process as Linux tells them; elsewhere those that it does not tell are 0.
package enum ProcessMetrics {
    /// Memory, processor time and open files.
    package static var all: [Metric] {
        [
            .gauge("process.memory.usage", "Memory that the process holds.", unit: "bytes") { residentBytes() },
            Metric("process.cpu.time", "Processor time used, by user and system.", "seconds", [:], .counter) {
                .value(processorSeconds())
            },
            .gauge("process.open_file_descriptor.count", "Files and sockets that are open.") { openFiles() },
            .gauge("process.open_file_descriptor.limit", "Files and sockets that may be open.") {
                ProcessLimits.openFiles() ?? 0
            },
        ]
    }

    /// The second number of /proc/self/statm, in pages.
    static func residentBytes() -> Int {
        let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var octets = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &octets, octets.count)
        let words = String(decoding: octets.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return (words.dropFirst().first.flatMap { Int($0) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// The entries of /proc/self/fd, without the one that reading them takes.
    static func openFiles() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return max(0, count - 3)
    }
}
