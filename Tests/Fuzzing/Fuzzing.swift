// libFuzzer's way in: hands its octets to the target that the environment names.

import Glibc
import Synchronization

/// One set of parsers and what must hold for any octets; what does not hold stops the process, which is what libFuzzer
/// looks for.
protocol FuzzTarget: Sendable {
    /// Octets to begin with.
    var seeds: [[UInt8]] { get }

    func run(_ octets: [UInt8])
}

private let targets: [String: any FuzzTarget] = [
    "request": RequestFuzz(), "engine": EngineFuzz(), "chunked": ChunkedFuzz(), "response": ResponseFuzz(),
    "fields": FieldsFuzz(), "target": TargetFuzz(), "hpack": HPACKFuzz(),
    "peer-frames": PeerFramesFuzz(), "peer-rules": PeerRulesFuzz(),
]

private let chosen: any FuzzTarget = {
    guard let target = environment("WAYSTATION_FUZZ_TARGET").flatMap({ targets[$0] }) else {
        fail("WAYSTATION_FUZZ_TARGET names none of \(targets.keys.sorted())")
    }
    return target
}()

/// Stops the process: something that must hold does not.
func fail(_ message: String) -> Never {
    let octets = Array("fuzz: \(message)\n".utf8)
    write(2, octets, octets.count)
    abort()
}

/// Stops the process unless `condition` holds.
func hold(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fail(message()) }
}

private func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}

/// Writes the target's seeds where they are wanted, before libFuzzer reads its corpus.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutableRawPointer) -> Int32 {
    guard let directory = environment("WAYSTATION_FUZZ_SEEDS") else { return 0 }
    for (index, seed) in chosen.seeds.enumerated() {
        guard let file = fopen("\(directory)/seed-\(index)", "w") else { fail("cannot write seeds to \(directory)") }
        seed.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
        fclose(file)
    }
    return 0
}

/// Hands one set of octets to the target.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ octets: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    chosen.run(Array(UnsafeBufferPointer(start: octets, count: count)))
    return 0
}

extension Array<UInt8> {
    /// These octets cut into pieces, where and how finely the first two of `key` say.
    func cut(by key: ArraySlice<UInt8>) -> [[UInt8]] {
        var state = key.reduce(UInt64(0x9e37_79b9)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let most = 1 + Int(key.first ?? 0) % 64
        var pieces: [[UInt8]] = []
        var rest = self[...]
        while !rest.isEmpty {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let piece = rest.prefix(1 + Int(state >> 33) % most)
            pieces.append(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        return pieces
    }
}

extension String {
    /// One octet for each scalar below U+0100.
    var octets: [UInt8] { unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
}
