// Where a client of one name keeps what must outlive it: one process at a time, for one user alone.

import Daemon
import Glibc
import PeerIdentity

/// The directory of one name, locked for as long as this object lives.
final class StateDirectory: Sendable {
    let path: String
    /// Holds the lock.
    private let lock: Int32

    /// Makes the directory, or takes the one of the same name in other letter case, and locks it.
    ///
    /// - Throws: ``ExitFailure`` with code 69 if a client of that name runs already, 73 if it cannot be made.
    init(of name: PeerIdentifier, environment: [String: String]) throws(ExitFailure) {
        let hint = "XDG_STATE_HOME=DIRECTORY in the environment"
        let parent = try StandardDirectories(environment: environment).state("client", orElse: hint)
        try StandardDirectories.prepare(parent, orElse: hint)
        path = parent + "/" + (Self.entry(of: name, in: parent) ?? name.text)
        try StandardDirectories.prepare(path, orElse: hint)
        chmod(path, 0o700)
        lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw ExitFailure(.cannotCreate, "cannot make \(path)/lock: \(String(cString: strerror(errno)))")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw ExitFailure(
                .unavailable,
                "a client named \(name) runs already (it has \(path)); stop it, or take another name"
            )
        }
    }

    deinit {
        close(lock)
    }

    /// The file of what was said, and is to be said, to the people of one registry: another's Bob may be another Bob.
    ///
    /// - Parameter registry: Whose people.
    /// - Returns: The URL with what is not fit for a file's name replaced, and a hash (FNV-1a) that tells those apart
    ///   which then look alike.
    static func conversations(at registry: PeerURL) -> String {
        let octets = Array(registry.text.utf8)
        let isPlain = { (octet: UInt8) in
            octet == 0x2e || octet == 0x2d || (0x30...0x39).contains(octet) || (0x61...0x7a).contains(octet | 0x20)
        }
        let name = String(decoding: octets.prefix(80).map { isPlain($0) ? $0 : 0x5f }, as: UTF8.self)
        let hash = octets.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "chat-\(name)-\(String(hash, radix: 16)).sqlite"
    }

    /// The identity kept in `file`, made there if there is none.
    ///
    /// - Throws: ``ExitFailure`` with code 73 or 74 if it cannot be read or made, 78 if it is something else.
    static func identity(in file: String) throws(ExitFailure) -> IdentityKey {
        if access(file, F_OK) == 0 {
            let octets = try SystemFile.octets(of: file, octetsMax: 4096) { code in
                ExitFailure(.inputOutput, "cannot read the identity in \(file): \(String(cString: strerror(code)))")
            }
            guard let key = IdentityKey(fileText: String(decoding: octets, as: UTF8.self)) else {
                throw ExitFailure(
                    .configuration,
                    "\(file) holds no identity; give --identity another file, or restore it: the name belongs to its key"
                )
            }
            return key
        }
        let key = IdentityKey()
        try SystemFile.replace(file, with: Array(key.fileText.utf8))
        return key
    }

    private static func entry(of name: PeerIdentifier, in parent: String) -> String? {
        guard let directory = opendir(parent) else { return nil }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let text = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // What is no name is nobody's directory.
            if let other = try? PeerIdentifier(text), other == name { return text }
        }
        return nil
    }
}
