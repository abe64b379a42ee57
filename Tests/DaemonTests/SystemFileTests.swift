// Small files that are replaced whole: who may read what was written.

import Daemon
import Glibc
import TestSupport
import Testing

@Suite struct SystemFileTests {
    @Test func `a file that somebody laid in the way beforehand lends no permissions to a key`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/identity"
        let elsewhere = directory.path + "/elsewhere"
        let descriptor = open(path + ".new", O_WRONLY | O_CREAT, 0o666)
        #expect(descriptor >= 0 && fchmod(descriptor, 0o666) == 0)
        close(descriptor)
        try SystemFile.replace(path, with: [1, 2, 3])
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        // Nor does a link lead the key away.
        #expect(symlink(elsewhere, path + ".new") == 0)
        try SystemFile.replace(path, with: [4, 5])
        #expect(access(elsewhere, F_OK) != 0)
        let octets = try SystemFile.octets(of: path, octetsMax: 9) { ExitFailure(.inputOutput, "errno \($0)") }
        #expect(octets == [4, 5])
    }
}
