// Origins that misbehave on the wire, in front of a running cdn: its clients see a broken transfer, never a clean end.

import HTTP
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct WireFaultTests {
    private static func medium(_ count: Int64) -> Medium { Medium(count: count, seed: 21) }

    /// What is wrong with the answers about one fault; empty if nothing is.
    private func check(
        _ fault: WireFault,
        _ target: String,
        port: UInt16,
        mend: () -> Void
    ) async -> [String] {
        var problems: [String] = []
        let medium = Self.medium(fault.count)
        let first = await RawAnswer.get(port: port, target, fault.lines)
        mend()
        let isRight =
            switch fault.seen {
            case .broken, .lie: !first.isWhole || first.status >= 500
            case .whole: first.isWhole && first.status == 200
            case .status(let status): first.isWhole && first.status == status
            }
        if !isRight { problems.append("\(first.status), \(first.body.count) octets, whole: \(first.isWhole)") }
        if first.status < 300, !medium.matches(first.body[...], at: fault.lines.isEmpty ? 0 : 1000) {
            problems.append("other octets")
        }
        var second = await RawAnswer.get(port: port, target)
        if fault.seen == .lie, !second.isWhole { second = await RawAnswer.get(port: port, target) }
        if fault.seen == .whole {
            // It has been stored, whole as it is.
            if second.body != first.body || second.value("Cache-Status")?.contains("; hit") != true {
                problems.append("not stored: \(second.head)")
            }
            return problems
        }
        if case .status(204) = fault.seen { return problems }
        if second.status != 200 || !second.isWhole || !medium.matches(second.body[...], at: 0)
            || second.body.count != Int(medium.count)
        {
            problems.append("then \(second.status), \(second.body.count) octets, whole: \(second.isWhole)")
        }
        // What was held may have been all there is; but only the origin could tell.
        if second.value("Cache-Status")?.contains("; hit") == true {
            problems.append("then a hit: \(second.head)")
        }
        let third = await RawAnswer.get(port: port, target)
        if third.body != second.body || third.value("Cache-Status")?.contains("; hit") != true {
            problems.append("not stored in the end: \(third.head)")
        }
        return problems
    }

    @Test(arguments: ["\"v1\"", nil], [true, false])
    func `no answer of an origin that misbehaves looks whole and is not`(etag: String?, onDisk: Bool) async throws {
        // A request on a used connection may come twice: the fault stays until its first answer has been seen.
        let mended = Mended()
        let origin = try ScriptedOrigin { request in
            let fault = WireFault.all[Int(request.target.dropFirst(2)) ?? 0]
            var file = OriginFile(Self.medium(fault.count), etag: etag)
            file.fields = [("Cache-Control", "max-age=600")]
            return mended.contains(request.target) ? file.reply(to: request) : fault.reply(file)
        }
        defer { origin.stop() }
        let directory = try TemporaryDirectory()
        let store = onDisk ? directory.path : "none"
        let cdn = try await RunningCDN.start("\(origin.url)/", store: store, "--origin-timeout", "2s")
        let port = cdn.port
        await withTaskGroup(of: (WireFault, [String]).self) { group in
            for (index, fault) in WireFault.all.enumerated() {
                group.addTask {
                    let problems = await check(fault, "/f\(index)", port: port) {
                        mended.insert("/f\(index)")
                    }
                    return (fault, problems)
                }
            }
            for await (fault, problems) in group {
                #expect(problems == [], "\(fault), tag \(etag ?? "none")")
            }
        }
        try await cdn.stop()
    }

    @Test
    func `an answer that comes while the request's body is still sent reaches the client, and is not kept for others`()
        async throws
    {
        let origin = try ScriptedOrigin(readsBodyFirst: false) { request in
            request.method == "POST"
                ? .response(413, reason: "Too Much", body: Array("no".utf8)).before(.readBody(octetsMax: 1)).thenClose()
                : .response(200, [("Cache-Control", "max-age=60")], body: Array("yes".utf8))
        }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start("\(origin.url)/", store: "none", "--origin-timeout", "5s")
        for count in [10, 100_000, 5_000_000] {
            let head = "POST /up HTTP/1.1\r\nHost: cdn\r\nConnection: close\r\nContent-Length: \(count)\r\n\r\n"
            let answer = await RawAnswer.ask(port: cdn.port, Array(head.utf8) + [UInt8](repeating: 0x78, count: count))
            // With octets unread the origin's close is a reset, which may take the answer with it on the way.
            #expect(answer.status == 413 || answer.status == 502 || answer.status == 0, "\(count): \(answer.head)")
            #expect(answer.status != 413 || answer.body == Array("no".utf8))
        }
        let next = await RawAnswer.get(port: cdn.port, "/up")
        #expect(next.status == 200 && next.body == Array("yes".utf8))
        try await cdn.stop()
    }
}

/// The targets about which the origin tells the truth by now.
private final class Mended: Sendable {
    private let targets = Mutex<Set<String>>([])

    func contains(_ target: String) -> Bool { targets.withLock { $0.contains(target) } }

    func insert(_ target: String) {
        _ = targets.withLock { $0.insert(target) }
    }
}
