// The bridge between the event loop and a responder that reads a request's body.

import HTTP
import Synchronization
import Testing

@testable import HTTPServer

@Suite struct RequestBodyTests {
    private let abc: ArraySlice<UInt8> = [0x61, 0x62, 0x63]

    @Test func `octets come out in order, then the end`() async throws {
        let body = RequestBody(bufferBytes: 100)
        body.push(abc)
        body.push([0x64])
        body.finish()
        #expect(try await body.next()?.count == 3)
        #expect(try await body.next()?.count == 1)
        #expect(try await body.next() == nil)
    }

    @Test func `a failure throws away what is not read`() async throws {
        let body = RequestBody(bufferBytes: 100)
        body.push(abc)
        body.fail(.truncated)
        body.push(abc)
        await #expect(throws: BodyError.truncated) { try await body.next() }
    }

    @Test func `it is full at its bound, and asks again once there is room`() async throws {
        let demands = Mutex<[RequestBody.Demand]>([])
        let body = RequestBody(bufferBytes: 6)
        body.setOnDemand { demand in demands.withLock { $0.append(demand) } }
        body.push(abc)
        #expect(!body.isFull)
        body.push(abc)
        #expect(body.isFull)
        _ = try await body.next()
        #expect(demands.withLock { $0 } == [.wanted])
        #expect(!body.isFull)
        _ = try await body.next()
        #expect(demands.withLock { $0 } == [.wanted])
    }

    @Test func `cancelling wakes the reader and tells the connection once`() async throws {
        let (demands, continuation) = AsyncStream.makeStream(of: RequestBody.Demand.self)
        let body = RequestBody(bufferBytes: 6)
        body.setOnDemand { continuation.yield($0) }
        let reader = Task { try await body.next() }
        var iterator = demands.makeAsyncIterator()
        #expect(await iterator.next() == .wanted)
        body.cancel()
        body.cancel()
        await #expect(throws: BodyError.cancelled) { try await reader.value }
        #expect(await iterator.next() == .abandoned)
        continuation.finish()
        #expect(await iterator.next() == nil)
    }

    @Test func `cancelling the reader's task wakes it`() async throws {
        let (demands, continuation) = AsyncStream.makeStream(of: RequestBody.Demand.self)
        let body = RequestBody(bufferBytes: 6)
        body.setOnDemand { continuation.yield($0) }
        let reader = Task { try await body.next() }
        var iterator = demands.makeAsyncIterator()
        #expect(await iterator.next() == .wanted)
        reader.cancel()
        await #expect(throws: BodyError.cancelled) { try await reader.value }
    }
}
