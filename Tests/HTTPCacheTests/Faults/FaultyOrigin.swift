// An origin whose answers go wrong in every way that a wire allows, as a seed decides.

import HTTP
import Synchronization
import TestSupport

/// Serves media that change, with faults in heads and bodies, until it is told to be good.
final class FaultyOrigin: Responder {
    /// What happens to a body; each is counted, so that a test can see that all of them happened.
    enum Fault: String, CaseIterable, Sendable {
        case none
        case fin
        case reset
        case shortLength
        case missingLastChunk
        case stall
        case pause
        case octetByOctet
        case tooMuch
        case validatorChange
        case cannotConnect
        case serverError
        case otherRange
        case wrongCount
        case rangeIgnored
        case conditionIgnored
    }

    fileprivate struct State {
        var generator: SeededGenerator
        var media: [String: FaultyMedium] = [:]
        var versions: [FaultyMedium] = []
        var isGood = false
        var fills = 0
        var open = 0
        var openMost = 0
        var faults: Set<Fault> = []
    }

    private let executor: SeededExecutor
    private let onPiece: @Sendable () -> Void
    private let state: Mutex<State>

    /// `onPiece` is called before every piece of every body.
    init(seed: UInt64, on executor: SeededExecutor, onPiece: @escaping @Sendable () -> Void) {
        self.executor = executor
        self.onPiece = onPiece
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    /// Bodies sent so far, whole or not.
    var fills: Int { state.withLock { $0.fills } }
    /// How many bodies were on their way at once, at most.
    var openMost: Int { state.withLock { $0.openMost } }
    /// What has happened at least once.
    var faults: Set<Fault> { state.withLock { $0.faults } }

    func version(_ number: Int) -> FaultyMedium? {
        state.withLock { $0.versions.indices.contains(number) ? $0.versions[number] : nil }
    }

    /// From now on all is well.
    func becomeGood() {
        state.withLock { $0.isGood = true }
    }

    func respond(to request: Request) async throws -> Response {
        let (plan, delay) = state.withLock { state in state.plan(request) }
        if delay > 0 {
            await executor.sleep(milliseconds: delay)
            try Task.checkCancellation()
        }
        guard plan.fault != .cannotConnect else { throw BodyError.truncated }
        var response = plan.response
        if let script = plan.script {
            state.withLock { state in
                state.fills += 1
                state.open += 1
                state.openMost = max(state.openMost, state.open)
            }
            let source = FaultySource(script, on: executor, onPiece: onPiece) { [weak self] in
                self?.state.withLock { $0.open -= 1 }
            }
            response.body = Body(length: response.body.length, content: .stream(source))
        }
        return response
    }

    // MARK: Private

    /// What is answered, and how its body goes.
    fileprivate struct Plan {
        var response: Response
        var script: FaultySource.Script?
        var fault = Fault.none
    }
}

extension FaultyOrigin.State {
    private mutating func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    private mutating func happens(_ fault: FaultyOrigin.Fault, oneIn count: Int) -> Bool {
        guard !isGood, draw(1...count) == 1 else { return false }
        faults.insert(fault)
        return true
    }

    private mutating func medium(_ target: String) -> FaultyMedium {
        if let medium = media[target], !happens(.validatorChange, oneIn: 12) { return medium }
        let kinds: [FaultyMedium.Validator] = [.strong, .strong, .strong, .weak, .lastModified, .none]
        let validator = media[target]?.validator ?? kinds.randomElement(using: &generator) ?? .strong
        let medium = FaultyMedium(number: versions.count, validator: validator, using: &generator)
        versions.append(medium)
        media[target] = medium
        return medium
    }

    /// The answer to `request`, and for how many milliseconds it is thought over.
    fileprivate mutating func plan(_ request: Request) -> (FaultyOrigin.Plan, delay: Int) {
        let medium = medium(String(decoding: request.target, as: UTF8.self))
        let delay = draw(0...3) == 0 ? draw(1...2000) : 0
        let bodiless = Body(length: nil, content: .none)
        if happens(.cannotConnect, oneIn: 15) {
            return (FaultyOrigin.Plan(response: Response(status: 502), fault: .cannotConnect), delay)
        }
        if happens(.serverError, oneIn: 20) {
            let status = [500, 503, 404, 416].randomElement(using: &generator) ?? 500
            return (FaultyOrigin.Plan(response: Response(status: status, text: "no")), delay)
        }
        guard request.method == .get || request.method == .head else {
            return (FaultyOrigin.Plan(response: Response(status: 204, fields: [:], body: .empty)), delay)
        }
        let isMatch =
            request.fields.text(.ifNoneMatch).map { $0 == medium.entityTag }
            ?? request.fields.text(.ifModifiedSince).map { $0 == medium.lastModified } ?? false
        if isMatch, !happens(.conditionIgnored, oneIn: 8) {
            return (
                FaultyOrigin.Plan(
                    response: Response(status: 304, fields: medium.fields(withVersion: false), body: bodiless)
                ), delay
            )
        }
        let (status, range, fields) = selected(medium, request)
        var response = Response(status: status, fields: fields, body: bodiless)
        guard request.method == .get, status != 416 else {
            if draw(0...1) == 0 { response.body.length = Int64(range.count) }
            return (FaultyOrigin.Plan(response: response), delay)
        }
        return (body(medium, range, response), delay)
    }

    private mutating func selected(_ medium: FaultyMedium, _ request: Request) -> (Int, Range<Int>, Fields) {
        let all = 0..<medium.count
        var fields = medium.fields(withVersion: request.method == .get)
        let isWanted = request.fields.text(.ifRange).map { $0 == medium.entityTag } ?? true
        guard isWanted || happens(.conditionIgnored, oneIn: 4), !happens(.rangeIgnored, oneIn: 8),
            let spec = ByteRange.parse(request.fields, specsMax: 1)?.first
        else { return (200, all, fields) }
        guard var range = spec.resolve(length: Int64(medium.count)) else {
            return (416, 0..<0, ["Content-Range": "bytes */\(medium.count)"])
        }
        if happens(.otherRange, oneIn: 15) {
            // Another one than was asked for, but truly told.
            let first = Int64(draw(0...medium.count - 1))
            range = first..<Int64(draw(Int(first) + 1...medium.count))
        }
        let length = Int64(medium.count)
        fields.append("Content-Range", ContentRange(range: range, completeLength: length).text)
        return (206, Int(range.lowerBound)..<Int(range.upperBound), fields)
    }

    private mutating func body(_ medium: FaultyMedium, _ range: Range<Int>, _ head: Response) -> FaultyOrigin.Plan {
        var plan = FaultyOrigin.Plan(response: head)
        var script = FaultySource.Script()
        let isLengthKnown = draw(0...3) > 0
        var declared = range.count
        var sent = range.count
        if !isLengthKnown { script.isCloseDelimited = draw(0...1) == 0 }
        if !isLengthKnown, happens(.missingLastChunk, oneIn: 6) {
            // All that there is may have come: still nobody knows.
            sent = draw(0...3) == 0 ? range.count : draw(0...range.count)
            script.failure = .truncated
        } else if isLengthKnown, range.count > 0, happens(.shortLength, oneIn: 12) {
            sent = draw(0...range.count - 1)
        } else if isLengthKnown, range.count > 0, happens(.fin, oneIn: 10) {
            sent = draw(0...range.count - 1)
            script.failure = .truncated
        } else if isLengthKnown, range.count > 0, happens(.reset, oneIn: 10) {
            sent = draw(0...range.count - 1)
            script.failure = .cancelled
        } else if isLengthKnown, happens(.tooMuch, oneIn: 20) {
            sent += draw(1...200)
        } else if isLengthKnown, head.status == 206, happens(.wrongCount, oneIn: 10) {
            // The head says so many octets and the Content-Range another number.
            declared = draw(0...range.count + 5)
            sent = min(declared, range.count)
        }
        cut(medium, range.lowerBound..<range.lowerBound + sent, into: &script)
        // As long as a client's patience, then the cut.
        if script.failure != nil, happens(.stall, oneIn: 4) { script.pauses[script.pieces.count] = 30_000 }
        let pieces = script.pieces.count
        if pieces > 0, happens(.pause, oneIn: 3) {
            for _ in 0..<draw(1...3) { script.pauses[draw(0...pieces)] = draw(1...5000) }
        }
        plan.response.body.length = isLengthKnown ? Int64(declared) : nil
        plan.script = script
        return plan
    }

    private mutating func cut(_ medium: FaultyMedium, _ range: Range<Int>, into script: inout FaultySource.Script) {
        let isOctetByOctet = range.count <= 400 && happens(.octetByOctet, oneIn: 10)
        let most = isOctetByOctet ? 1 : [50, 700, 5000, 20_000].randomElement(using: &generator) ?? 700
        var position = range.lowerBound
        while position < range.upperBound {
            let end = min(range.upperBound, position + draw(1...most))
            script.pieces.append(medium.octets(position..<end))
            position = end
        }
    }
}
