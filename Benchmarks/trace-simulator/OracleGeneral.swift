// Trace files in libCacheSim's oracleGeneral format.

import Foundation

/// The format: one record a request, little-endian, packed into 24 octets, no header.
///
/// | octets | what |
/// | --- | --- |
/// | 4 | time in seconds |
/// | 8 | identifier of the object |
/// | 4 | its size |
/// | 8 | position of the next request for it, -1 if there is none |
///
/// The last is not read: it is worked out anew, since a file may be cut. An object has the size of its first request.
enum OracleGeneral {
    private static let recordBytes = 24

    /// The trace in the file at `path`, no more than `requestsMax` requests of it; a name that ends in `.zst` is unpacked by
    /// the program `zstd`.
    static func read(_ path: String, requestsMax: Int) throws(SimulatorError) -> Trace {
        let octets = path.hasSuffix(".zst") ? try unpack(path, recordBytes * requestsMax) : try contents(path)
        guard !octets.isEmpty, octets.count % recordBytes == 0 || octets.count / recordBytes >= requestsMax else {
            throw SimulatorError("\(path) is no oracleGeneral trace: \(octets.count) octets are not records of 24 each")
        }
        let count = min(requestsMax, octets.count / recordBytes)
        var keys: [UInt64] = []
        var sizes: [UInt64: Int64] = [:]
        keys.reserveCapacity(count)
        octets.withUnsafeBytes { buffer in
            for record in 0..<count {
                let key = UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: record * 24 + 4, as: UInt64.self))
                let size = UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: record * 24 + 12, as: UInt32.self))
                keys.append(key)
                if sizes[key] == nil { sizes[key] = Int64(size) }
            }
        }
        let name = path.split(separator: "/").last.map { String($0) } ?? path
        return Trace(name, isMedia: false, keys: keys, size: { sizes[$0] ?? 1 })
    }

    /// Writes `trace` to a file at `path`, a second a request.
    static func write(_ trace: Trace, to path: String) throws(SimulatorError) {
        var octets = Data(capacity: trace.requests.count * recordBytes)
        let nextUses = trace.nextUses
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { octets.append(contentsOf: $0) }
        }
        for (position, object) in trace.requests.enumerated() {
            append(UInt32(truncatingIfNeeded: position))
            append(UInt64(object))
            append(UInt32(clamping: trace.sizes[Int(object)]))
            append(nextUses[position] == .max ? -1 : Int64(nextUses[position]))
        }
        do {
            try octets.write(to: URL(fileURLWithPath: path))
        } catch {
            throw SimulatorError("could not write \(path): \(error)")
        }
    }

    private static func contents(_ path: String) throws(SimulatorError) -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        } catch {
            throw SimulatorError("could not read \(path): \(error)")
        }
    }

    private static func unpack(_ path: String, _ bytesMax: Int) throws(SimulatorError) -> Data {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["zstd", "-dcq", "--", path]
        process.standardOutput = output
        do {
            try process.run()
            var octets = Data()
            while octets.count < bytesMax, let part = try output.fileHandleForReading.read(upToCount: 1 << 20),
                !part.isEmpty
            {
                octets.append(part)
            }
            let isCut = octets.count >= bytesMax
            if isCut { process.terminate() }
            process.waitUntilExit()
            guard isCut || process.terminationStatus == 0 else {
                throw SimulatorError("zstd could not unpack \(path); is it installed?")
            }
            return octets
        } catch let error as SimulatorError {
            throw error
        } catch {
            throw SimulatorError("could not unpack \(path): \(error)")
        }
    }
}

/// What went wrong, for people.
struct SimulatorError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
