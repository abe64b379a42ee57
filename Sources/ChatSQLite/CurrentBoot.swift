// Which boot of the system this is, so that a power loss is noticed afterwards.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The kernel's name for this boot; nil where there is none: then every start counts as one after a power loss.
func currentBoot() -> String? {
    let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var octets = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &octets, octets.count)
    guard count > 0 else { return nil }
    return String(decoding: octets[..<count].prefix { $0 != 0x0a }, as: UTF8.self)
}
