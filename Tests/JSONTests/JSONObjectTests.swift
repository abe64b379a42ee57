// Tests of objects: members in order, found by name.

import JSON
import TestSupport
import Testing

@Suite struct JSONObjectTests {
    @Test func `a member keeps its place when it is set, goes when it is nil, and comes last when it is new`() {
        var object: JSONObject = ["b": 1, "a": 2, "c": 3]
        object["a"] = 9
        object["b"] = nil
        object["b"] = 4
        object["x"] = nil
        #expect(JSONValue.object(object).description == #"{"a":9,"c":3,"b":4}"#)
        #expect(object.index(of: "c") == 1)
        let isAdded = object.append("c", 0)
        #expect(!isAdded)
    }

    @Test func `an object that is written member by member is the same text as one that was made first`() {
        let nasty = "a\"\\\n\u{1b}é{"
        var writer = JSONWriter(isCanonical: false)
        writer.beginObject()
        writer.append("first", .string("{"))
        writer.append("second", ["x": .string(nasty)])
        writer.append("third", utf8: Array(nasty.utf8))
        writer.append("fourth", utf8: Array("plain".utf8))
        writer.endObject()
        let whole: JSONValue = [
            "first": "{", "second": ["x": .string(nasty)], "third": .string(nasty), "fourth": "plain",
        ]
        #expect(writer.octets == whole.encoded)
        var empty = JSONWriter(isCanonical: false)
        empty.beginObject()
        empty.endObject()
        #expect(empty.octets == Array("{}".utf8))
    }

    @Test func `objects are equal whatever the order of their members`() {
        #expect(JSONValue.object(["a": 1, "b": 2]) == .object(["b": 2, "a": 1]))
        #expect(JSONValue.object(["a": 1, "b": 2]) != .object(["a": 1, "c": 2]))
        #expect(JSONValue.object(["a": 1]) != .object(["a": 1, "b": 2]))
        #expect(JSONValue.object(["a": 1, "b": 2]) != .object(["b": 1, "a": 2]))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `an object behaves as a list of members does, small and large`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var object = JSONObject()
        var model: [(name: String, value: JSONValue)] = []
        for step in 0..<400 {
            let name = "n\(Int.random(in: 0..<30, using: &random))"
            let place = model.firstIndex { $0.name == name }
            if Int.random(in: 0..<3, using: &random) == 0 {
                object[name] = nil
                if let place { model.remove(at: place) }
            } else {
                let value = JSONValue.number(JSONNumber(Int64(step)))
                object[name] = value
                if let place { model[place].value = value } else { model.append((name, value)) }
            }
            #expect(object.members.map(\.name) == model.map(\.name), "seed \(seed)")
            #expect(object.members.map(\.value) == model.map(\.value), "seed \(seed)")
            for (index, member) in model.enumerated() {
                #expect(object.index(of: member.name) == index, "seed \(seed)")
            }
        }
    }
}
