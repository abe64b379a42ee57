// Whole connections played at random from a seed: whatever the order of events, the client reads what it asked for.

import HTTP
import HTTPServer
import Testing

/// One request of a simulated client, and what it must read back.
private struct Scene {
    enum Kind: CaseIterable {
        case immediate, large, later, stream, sizedStream, head, post, chunkedPost
    }

    let kind: Kind
    let name: String

    /// The body of the answer, which says which request it belongs to.
    var answer: String {
        switch kind {
        case .large: String(repeating: name, count: 9000 / name.utf8.count + 1)
        default: "answer to \(name)"
        }
    }

    var request: String {
        let host = "Host: h\r\n"
        return switch kind {
        case .head: "HEAD /\(name) HTTP/1.1\r\n\(host)\r\n"
        case .post: "POST /\(name) HTTP/1.1\r\n\(host)Content-Length: \(name.utf8.count)\r\n\r\n\(name)"
        case .chunkedPost:
            "POST /\(name) HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n1\r\n/\r\n"
                + "\(String(name.utf8.count, radix: 16))\r\n\(name)\r\n0\r\n\r\n"
        default: "GET /\(name) HTTP/1.1\r\n\(host)\r\n"
        }
    }
}

@Suite struct HTTP1EngineSimulationTests {
    @Test(arguments: (1...300).map { UInt64($0) })
    func `whatever the order of events, each answer comes whole and in its place`(_ seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let scenes = (0..<Int.random(in: 1...30, using: &generator)).map { number in
            Scene(kind: Scene.Kind.allCases.randomElement(using: &generator) ?? .later, name: "r\(number)")
        }
        var play = Play(scenes, blockedBeginning: Bool.random(using: &generator))
        while play.step(using: &generator) {}
        #expect(play.readAnswers() == scenes.map { $0.kind == .head ? "" : $0.answer }, "seed \(seed)")
        #expect(play.driver.closes.isEmpty, "seed \(seed)")
        #expect(play.driver.cancelled.isEmpty, "seed \(seed)")
        #expect(play.driver.engine.isIdle, "seed \(seed)")
    }

    @Test(arguments: (1...300).map { UInt64($0) })
    func `whenever the connection is lost, everything that runs is cancelled`(_ seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let scenes = (0..<10).map { number in
            Scene(kind: Scene.Kind.allCases.randomElement(using: &generator) ?? .later, name: "r\(number)")
        }
        var play = Play(scenes, blockedBeginning: false)
        for _ in 0..<Int.random(in: 0...60, using: &generator) { _ = play.step(using: &generator) }
        play.driver.connectionLost()
        #expect(Set(play.driver.cancelled) == play.running, "seed \(seed)")
        let sent = play.driver.sent.count
        for number in play.running { play.driver.respond(number, Response(status: 200)) }
        #expect(play.driver.sent.count == sent, "seed \(seed)")
    }

    @Test(arguments: (1...20).map { UInt64($0) })
    func `whatever octets come, every request is answered and the connection ends`(_ seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        for number in 0..<200 {
            var octets = RequestGenerator.connection(using: &generator)
            if number % 4 == 0 {
                octets += (0..<100).map { _ in UInt8.random(in: 0...255, using: &generator) }
            }
            var driver = EngineDriver()
            while !octets.isEmpty {
                let piece = Array(octets.prefix(Int.random(in: 1...200, using: &generator)))
                octets.removeFirst(piece.count)
                driver.receive(piece)
            }
            driver.endInput()
            var answered = 0
            while answered < driver.started.count {
                driver.respond(driver.started[answered].number, Response(status: 200, body: Body("body")))
                answered += 1
            }
            // A connection that lingers ends with the client's end, which has come already.
            #expect(driver.closes.last == .flush, "seed \(seed), connection \(number)")
            let answers = String(decoding: driver.sent, as: UTF8.self).count(of: "HTTP/1.1 ")
            #expect(answers >= driver.started.count, "seed \(seed), connection \(number)")
        }
    }
}

extension String {
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}

/// The client, the network and the responder of one simulated connection.
private struct Play {
    var driver: EngineDriver
    private let scenes: [String: Scene]
    private var input: [UInt8]
    private var unanswered: [RequestNumber: Scene] = [:]
    private var streams: [RequestNumber: [String]] = [:]
    private var seenStarts = 0
    private var seenPulls = 0
    private var pulled: Set<RequestNumber> = []

    init(_ scenes: [Scene], blockedBeginning: Bool) {
        var table = TableResponder()
        for scene in scenes where scene.kind == .immediate || scene.kind == .large {
            let body = Array(scene.answer.utf8)
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n"
            table.immediate["/\(scene.name)"] = (head, .bytes(body[...]))
        }
        driver = EngineDriver(table)
        driver.isBlocked = blockedBeginning
        self.scenes = Dictionary(uniqueKeysWithValues: scenes.map { ("/\($0.name)", $0) })
        input = scenes.flatMap { Array($0.request.utf8) }
    }

    /// What a task works on: started and not answered, or streaming.
    var running: Set<RequestNumber> { Set(unanswered.keys).union(streams.keys) }

    /// Lets one thing happen that can; false: nothing is left to happen.
    mutating func step(using generator: inout SeededGenerator) -> Bool {
        noteActions()
        var events: [(inout Play, inout SeededGenerator) -> Void] = []
        if !input.isEmpty, driver.engine.wantsRead { events.append { $0.deliver(using: &$1) } }
        if driver.isBlocked {
            events.append { play, _ in play.driver.unblock() }
        } else if !running.isEmpty || !input.isEmpty {
            events.append { play, generator in play.driver.isBlocked = Int.random(in: 0..<4, using: &generator) == 0 }
        }
        for number in unanswered.keys.sorted() { events.append { play, _ in play.answer(number) } }
        for number in pulled.sorted() { events.append { play, _ in play.feed(number) } }
        guard let event = events.randomElement(using: &generator) else { return false }
        event(&self, &generator)
        noteActions()
        return true
    }

    /// The bodies that a client reads from what was sent.
    func readAnswers() -> [String] {
        var rest = driver.sent[...]
        var bodies: [String] = []
        while let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) {
            let head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            rest = rest[end.upperBound...]
            guard head.hasPrefix("HTTP/1.1 200 OK\r\n") else { return bodies + ["bad head \(head)"] }
            if head.contains("X-Head:") {
                bodies.append("")
            } else if head.contains("Transfer-Encoding: chunked") {
                guard let decoded = try? decodeChunked([Array(rest)]) else { return bodies + ["bad chunks"] }
                bodies.append(String(decoding: decoded.data, as: UTF8.self))
                rest = rest.dropFirst(decoded.count)
            } else {
                let line = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
                let count = line.flatMap { Int($0.dropFirst(16)) } ?? 0
                bodies.append(String(decoding: rest.prefix(count), as: UTF8.self))
                rest = rest.dropFirst(count)
            }
        }
        return bodies
    }

    private mutating func deliver(using generator: inout SeededGenerator) {
        let most = Bool.random(using: &generator) ? 10 : 2000
        let piece = Array(input.prefix(Int.random(in: 1...most, using: &generator)))
        input.removeFirst(piece.count)
        driver.receive(piece)
    }

    private mutating func noteActions() {
        for started in driver.started[seenStarts...] {
            unanswered[started.number] = scenes[started.request.targetText]
        }
        seenStarts = driver.started.count
        pulled.formUnion(driver.pulls[seenPulls...])
        seenPulls = driver.pulls.count
    }

    private mutating func answer(_ number: RequestNumber) {
        guard let scene = unanswered.removeValue(forKey: number) else { return }
        let octets = Array(scene.answer.utf8)
        var response = Response(status: 200, body: Body(octets))
        switch scene.kind {
        case .stream, .sizedStream:
            let length = scene.kind == .sizedStream ? Int64(octets.count) : nil
            response.body = Body(length: length, content: .stream(ProbeSource()))
            streams[number] = scene.answer.map(String.init)
        case .head: response.fields.append("X-Head", "1")
        default: break
        }
        driver.respond(number, response)
    }

    private mutating func feed(_ number: RequestNumber) {
        pulled.remove(number)
        guard var rest = streams[number] else { return }
        if rest.isEmpty {
            streams[number] = nil
            driver.endStream(number)
        } else {
            let piece = rest.removeFirst()
            streams[number] = rest
            driver.send(number, piece)
        }
    }
}
