// Whole HTTP/2 connections played at random from a seed: bodies arrive whole or visibly broken, whatever the order.

import Foundation
import HTTP
import Testing

@testable import HTTPServer

@Suite struct HTTP2SimulationTests {
    /// A hundred times as many in the long mode.
    static func seeds(_ count: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1" ? count * 100 : count
    }

    @Test(arguments: (1...HTTP2SimulationTests.seeds(60)).map { UInt64($0) })
    func `whatever the order of events, bodies arrive whole or visibly broken`(_ seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var play = HTTP2Play(streams: Int.random(in: 1...40, using: &generator), using: &generator)
        var steps = 0
        while play.step(using: &generator), steps < 20_000 { steps += 1 }
        play.check("seed \(seed)")
    }

    @Test(arguments: (1...HTTP2SimulationTests.seeds(40)).map { UInt64($0) })
    func `whenever the connection is lost, everything that runs is cancelled`(_ seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var play = HTTP2Play(streams: 20, using: &generator)
        for _ in 0..<Int.random(in: 0...100, using: &generator) { _ = play.step(using: &generator) }
        play.driver.connectionLost()
        let running = play.running
        #expect(Set(play.driver.cancelled).isSuperset(of: running), "seed \(seed)")
        #expect(play.driver.engine.streams.isEmpty, "seed \(seed)")
        let sent = play.driver.frames.count
        for number in running { play.driver.respond(number, Response(status: 200)) }
        #expect(play.driver.frames.count == sent, "seed \(seed)")
    }

    @Test(arguments: (1...HTTP2SimulationTests.seeds(15)).map { UInt64($0) })
    func `whatever octets come, the engine ends well`(_ seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        for _ in 0..<25 {
            var play = HTTP2Play(streams: 8, using: &generator)
            play.mutates = true
            var steps = 0
            while play.driver.closes.isEmpty, play.step(using: &generator), steps < 500 { steps += 1 }
            play.driver.unblock()
            play.driver.endInput()
            play.driver.wait(.seconds(5))
            play.driver.wait(.seconds(60))
            #expect(!play.driver.closes.isEmpty, "seed \(seed)")
            #expect(play.driver.engine.streams.isEmpty, "seed \(seed)")
            #expect(Set(play.driver.cancelled).isSuperset(of: play.running), "seed \(seed)")
            play.checkNothingFalse("seed \(seed)")
        }
    }
}

/// One request of a simulated client.
private struct Scene {
    enum Kind: CaseIterable {
        case immediate, immediateLarge, later, laterLarge, stream, sizedStream, brokenStream, upload, head, reset
    }

    let kind: Kind
    let stream: UInt32

    /// The body of the answer, which says which request it belongs to.
    var answer: [UInt8] {
        switch kind {
        case .immediateLarge, .laterLarge: [UInt8](repeating: UInt8(truncatingIfNeeded: stream), count: 50_000)
        case .head: []
        default: Array("answer to \(stream)".utf8)
        }
    }

    /// What the client uploads.
    var body: [UInt8] { [UInt8](repeating: UInt8(truncatingIfNeeded: stream), count: 30_000) }

    var frames: [Frame] {
        switch kind {
        case .upload:
            let end = [Frame.data(stream, Array(body.suffix(10_000)), end: true)]
            return [.post(stream, "/\(stream)"), .data(stream, Array(body.prefix(10_000)))]
                + [.data(stream, Array(body.prefix(10_000)))] + end
        case .head: return [.headers(stream, Frame.block(Frame.request("HEAD", path: "/\(stream)")))]
        default:
            let block = Frame.block(Frame.request(path: "/\(stream)"))
            let cut = Int(stream) % block.count
            return [
                .headers(stream, Array(block[..<cut]), endHeaders: false),
                .continuation(stream, Array(block[cut...]), end: true),
            ]
        }
    }
}

/// The client, the network and the responder of one simulated connection.
private struct HTTP2Play {
    var driver: HTTP2Driver
    /// Whether octets are changed on their way.
    var mutates = false
    private let scenes: [UInt32: Scene]
    private var input: [UInt8] = []
    private var waiting: [[Frame]] = []
    private var unanswered: Set<RequestNumber> = []
    private var sources: [RequestNumber: [UInt8]] = [:]
    private var bodies: [RequestNumber: RequestBody] = [:]
    private var pulled: Set<RequestNumber> = []
    private var seenStarts = 0
    private var seenPulls = 0
    private var seenCancels = 0
    private var seenFrames = 0
    private var resetByClient: Set<UInt32> = []

    init(streams: Int, using generator: inout SeededGenerator) {
        var table = TableResponder()
        var scenes: [UInt32: Scene] = [:]
        for number in 0..<streams {
            let kind = Scene.Kind.allCases.randomElement(using: &generator) ?? .later
            let scene = Scene(kind: kind, stream: UInt32(number * 2 + 1))
            scenes[scene.stream] = scene
            waiting.append(scene.frames)
            guard kind == .immediate || kind == .immediateLarge else { continue }
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(scene.answer.count)\r\n"
            table.immediate["/\(scene.stream)"] = (head, .bytes(scene.answer[...]))
        }
        self.scenes = scenes
        let window = [0, 1, 1000, 65535, 1 << 20].randomElement(using: &generator) ?? 65535
        driver = HTTP2Driver(table, settings: [(4, UInt32(window))]) {
            $0.requestBodyBufferBytes = 64 * 1024
            $0.http2.controlFramesMax = 1 << 30
            $0.http2.resetsMax = 1 << 30
        }
    }

    /// What a task works on.
    var running: Set<RequestNumber> { unanswered.union(sources.keys) }

    /// Lets one thing happen that can; false: nothing is left to happen.
    mutating func step(using generator: inout SeededGenerator) -> Bool {
        note()
        guard driver.closes.isEmpty else { return false }
        var events: [(inout HTTP2Play, inout SeededGenerator) -> Void] = []
        if !input.isEmpty || !waiting.isEmpty, driver.engine.wantsRead { events.append { $0.deliver(using: &$1) } }
        if driver.isBlocked {
            events.append { play, _ in play.driver.unblock() }
        } else if !driver.engine.streams.isEmpty || !input.isEmpty || !waiting.isEmpty {
            events.append { play, generator in play.driver.isBlocked = Int.random(in: 0..<8, using: &generator) == 0 }
        }
        for number in unanswered.sorted() { events.append { play, _ in play.answer(number) } }
        for number in pulled.sorted() { events.append { $0.feed(number, using: &$1) } }
        if driver.engine.streams.contains(where: { $0.wantsToSend }) { events.append { $0.openWindows(using: &$1) } }
        for stream in driver.engine.streams where scenes[stream.id]?.kind == .reset {
            let id = stream.id
            events.append { play, _ in play.giveUp(id) }
        }
        guard let event = events.randomElement(using: &generator) else { return false }
        event(&self, &generator)
        note()
        return true
    }

    /// Everything is answered as it must be.
    func check(_ comment: Comment) {
        #expect(driver.goAway == nil, comment)
        #expect(driver.closes == [], comment)
        #expect(driver.engine.isIdle, comment)
        for (id, scene) in scenes {
            let read = driver.streams[id]
            switch scene.kind {
            case .brokenStream:
                #expect(read?.hasEnded == false && read?.resetCode == 2, comment)
            case .reset where resetByClient.contains(id):
                // All of it may have been sent before the reset was read.
                #expect(read?.hasEnded != true || read?.body.elementsEqual(scene.answer) == true, comment)
            default:
                #expect(read?.status == "200" && read?.hasEnded == true, comment)
                #expect(read?.body.elementsEqual(scene.answer) == true, comment)
                #expect(read?.resetCode == nil || scene.kind == .upload, comment)
            }
        }
    }

    /// What looks whole is whole.
    func checkNothingFalse(_ comment: Comment) {
        for (id, read) in driver.streams where read.hasEnded && read.status == "200" {
            guard let scene = scenes[id], scene.kind != .head, scene.kind != .upload else { continue }
            #expect(scene.kind != .brokenStream, comment)
            // A changed request may have become a HEAD, and a path another.
            let isKnown = read.body.isEmpty || scenes.values.contains { $0.answer == read.body }
            #expect(isKnown, comment)
        }
    }

    private mutating func note() {
        for started in driver.started[seenStarts...] {
            unanswered.insert(started.number)
            bodies[started.number] = started.body
        }
        seenStarts = driver.started.count
        pulled.formUnion(driver.pulls[seenPulls...])
        seenPulls = driver.pulls.count
        for number in driver.cancelled[seenCancels...] {
            unanswered.remove(number)
            sources[number] = nil
            pulled.remove(number)
        }
        seenCancels = driver.cancelled.count
    }

    /// The next octets of the client, of whichever streams it likes to go on with.
    private mutating func deliver(using generator: inout SeededGenerator) {
        while input.count < 200, !waiting.isEmpty {
            // Streams are opened in order; the frames of those that are open mix, but for header blocks.
            let first = waiting.firstIndex { $0.first?.type == 1 } ?? waiting.count
            let open = waiting.indices.filter { $0 <= first && $0 < waiting.count }
            guard let index = open.randomElement(using: &generator) else { break }
            repeat { input += waiting[index].removeFirst().octets } while waiting[index].first?.type == 9
            if waiting[index].isEmpty { waiting.remove(at: index) }
        }
        let most = Bool.random(using: &generator) ? 10 : 20_000
        var piece = Array(input.prefix(Int.random(in: 1...most, using: &generator)))
        input.removeFirst(piece.count)
        if mutates, Int.random(in: 0..<6, using: &generator) == 0,
            let index = piece.indices.randomElement(using: &generator)
        {
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: piece[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: piece.remove(at: index)
            default: piece.insert(UInt8.random(in: 0...255, using: &generator), at: index)
            }
        }
        driver.receive(piece)
    }

    private mutating func answer(_ number: RequestNumber) {
        guard unanswered.remove(number) != nil, let scene = scenes[UInt32(number)] else { return }
        switch scene.kind {
        case .stream, .brokenStream, .sizedStream, .upload:
            sources[number] = scene.answer
            let length = scene.kind == .sizedStream ? Int64(scene.answer.count) : nil
            driver.respondStream(number, length: length)
        default: driver.respond(number, Response(status: 200, body: Body(scene.answer)))
        }
    }

    private mutating func feed(_ number: RequestNumber, using generator: inout SeededGenerator) {
        pulled.remove(number)
        guard let rest = sources[number] else { return }
        let isBroken = scenes[UInt32(number)]?.kind == .brokenStream && rest.count < 5
        if isBroken {
            sources[number] = nil
            driver.failStream(number)
        } else if rest.isEmpty {
            sources[number] = nil
            driver.endStream(number)
        } else {
            let count = Int.random(in: 1...4, using: &generator)
            sources[number] = Array(rest.dropFirst(count))
            driver.send(number, Array(rest.prefix(count)))
        }
    }

    private mutating func openWindows(using generator: inout SeededGenerator) {
        let increment = UInt32(Bool.random(using: &generator) ? 100_000 : Int.random(in: 1...100, using: &generator))
        let streams = driver.engine.streams.filter(\.wantsToSend).map(\.id) + [0, 0]
        guard input.isEmpty || !driver.engine.pending.isEmpty else {
            // Within a frame of the client's nothing may come between.
            return deliver(using: &generator)
        }
        guard input.isEmpty, let stream = streams.randomElement(using: &generator) else {
            return deliver(using: &generator)
        }
        driver.receive(Frame.windowUpdate(stream, increment))
    }

    private mutating func giveUp(_ stream: UInt32) {
        guard input.isEmpty else { return }
        resetByClient.insert(stream)
        driver.receive(Frame.reset(stream))
    }
}
