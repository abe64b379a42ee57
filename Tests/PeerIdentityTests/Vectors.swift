// The test vectors and their second implementation, in the directory beside this file.

import Foundation
import JSON
import PeerIdentity
import TestSupport
import Testing

/// vectors.json, read once, and check.py.
enum Vectors {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
    static let path = directory.appending(path: "vectors.json").path
    static let script = directory.appending(path: "check.py").path

    static let all: JSONValue = {
        do {
            return try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path))))
        } catch {
            Issue.record("vectors.json is not to be read: \(error)")
            return [:]
        }
    }()

    static func list(_ name: String) -> [JSONValue] { all[name]?.arrayValue ?? [] }

    static func texts(_ name: String) -> [String] { list(name).compactMap(\.stringValue) }

    /// Whether the second implementation can run.
    static let canCheck: Bool = {
        guard RunningProcess.isInstalled("python3") else { return false }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", "import cryptography"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    static let reason: Comment = "python3 with the package cryptography is not installed"
}

extension JSONValue {
    /// The text of member `name`, or nothing.
    func text(_ name: String) -> String { self[name]?.stringValue ?? "" }

    func number(_ name: String) -> Int64 { self[name]?.int64Value ?? -1 }
}

/// Octets of hexadecimal digits.
func octets(hexadecimal text: String) -> [UInt8] {
    let digits = text.utf8.map { $0 < 0x3a ? $0 - 0x30 : ($0 | 0x20) - 0x57 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

extension PeerIdentityError {
    /// The code of the error that `body` throws, if it throws one.
    static func code(_ body: () throws -> Void) -> Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? PeerIdentityError)?.code
        }
    }
}
