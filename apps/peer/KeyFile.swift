// The file that a node's key is kept in, so that it is the same node after a restart.

import Daemon
import Glibc
import PeerIdentity

/// What `--key` names.
enum KeyFile {
    /// The key kept in `file`, made there for this user alone if there is none.
    ///
    /// - Throws: ``ExitFailure`` with code 73 or 74 if it cannot be made or read, 78 if it is something else.
    static func key(in file: String) throws(ExitFailure) -> IdentityKey {
        guard access(file, F_OK) == 0 else {
            let key = IdentityKey()
            try SystemFile.replace(file, with: Array(key.fileText.utf8))
            return key
        }
        let octets = try SystemFile.octets(of: file, octetsMax: 4096) { code in
            ExitFailure(.inputOutput, "cannot read the key in \(file): \(String(cString: strerror(code)))")
        }
        guard let key = IdentityKey(fileText: String(decoding: octets, as: UTF8.self)) else {
            throw ExitFailure(.configuration, "\(file) holds no key; give --key another file, which is made")
        }
        return key
    }
}
