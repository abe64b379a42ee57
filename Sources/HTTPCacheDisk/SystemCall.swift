// What the operating system said when it refused something, in words for people.

import HTTPCache

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The error number of a failed call.
struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    let number: Int32

    /// The error of the call that has just failed.
    static var last: SystemError { SystemError(number: errno) }

    var description: String { String(cString: strerror(number)) }

    /// What a person can do about it; empty if there is nothing to say.
    var advice: String {
        switch number {
        case EACCES, EPERM, EROFS: "; choose a directory that you may write to with --store DIR"
        case ENOTDIR, ENOENT, EISDIR, ENAMETOOLONG: "; choose another directory with --store DIR"
        case ENOSPC, EDQUOT: "; free some space or choose a directory on another disk with --store DIR"
        case EMFILE, ENFILE: "; raise the limit of open files (ulimit -n)"
        default: ""
        }
    }
}

extension HTTPCacheError {
    /// A failure of the store: what was attempted, what the system said, what to do.
    static func store(_ attempt: String, _ error: SystemError) -> HTTPCacheError {
        HTTPCacheError(.storeFailed, "could not \(attempt): \(error)\(error.advice)")
    }
}

/// Opens `path`, closed on exec, as only its owner may read it.
func openFile(_ path: String, _ flags: Int32) throws(SystemError) -> Int32 {
    while true {
        let descriptor = open(path, flags | O_CLOEXEC, 0o600)
        if descriptor >= 0 { return descriptor }
        if errno != EINTR { throw .last }
    }
}

/// Creates the directory `path` and those above it that are missing, open to their owner only.
func makeDirectories(_ path: String) throws(SystemError) {
    if mkdir(path, 0o700) == 0 { return }
    let error = SystemError.last
    if error.number == EEXIST { return try requireDirectory(path) }
    guard error.number == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw error }
    try makeDirectories(String(path[..<slash]))
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last }
}

private func requireDirectory(_ path: String) throws(SystemError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .last }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw SystemError(number: ENOTDIR) }
}

/// Deletes the file `path`; that it does not exist is as good.
func deleteFile(_ path: String) throws(SystemError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw .last }
}

/// The names in the directory `path`; nil if it cannot be read.
func names(in path: String) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { octets in
            String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
