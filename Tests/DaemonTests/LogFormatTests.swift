// Tests of log lines: their two forms, their times, and what must not get through them.

import Daemon
import Logging
import Synchronization
import Testing

@Suite struct LogFormatTests {
    static func line(
        _ format: LogFormat,
        _ message: String,
        _ metadata: Logger.Metadata = [:],
        time: Duration = .seconds(1_795_242_720) + .milliseconds(7)
    ) -> String {
        format.line(level: .warning, message: message, label: "cdn", metadata: metadata, time: time)
    }

    @Test(arguments: [
        (Duration.zero, "1970-01-01T00:00:00.000Z"), (.milliseconds(1), "1970-01-01T00:00:00.001Z"),
        (.milliseconds(-1), "1969-12-31T23:59:59.999Z"), (.seconds(951_782_400), "2000-02-29T00:00:00.000Z"),
        (.seconds(951_868_799), "2000-02-29T23:59:59.000Z"), (.seconds(4_107_542_400), "2100-03-01T00:00:00.000Z"),
        (.seconds(1_735_689_599), "2024-12-31T23:59:59.000Z"), (.seconds(253_402_300_800), "9999-12-31T23:59:59.000Z"),
        (.seconds(Int64.min), "0000-01-01T00:00:00.000Z"),
    ])
    func `times are RFC 3339 in UTC`(time: Duration, expected: String) {
        #expect(Self.line(.text(isColoured: false), "m", time: time).hasPrefix(expected + " "))
    }

    @Test func `a text line`() {
        let metadata: Logger.Metadata = [
            "b": "plain", "a": "two words", "c": .stringConvertible(7), "e": "", "d": ["x", "y\"z"],
            "f": ["k": "v"], "odd key": "a=b",
        ]
        #expect(
            Self.line(.text(isColoured: false), "The \"origin\" is slow", metadata)
                == "2026-11-21T06:32:00.007Z WARNING  The \"origin\" is slow a=\"two words\" b=plain c=7 "
                + #"d=["x","y\"z"] e="" f={"k":"v"} "odd key"="a=b""#
        )
    }

    @Test func `a JSON line`() {
        let metadata: Logger.Metadata = [
            "http.response.status_code": .stringConvertible(200), "level": "mine", "ok": .stringConvertible(true),
            "list": [.stringConvertible(1), "a\\b"], "half": .stringConvertible(0.5), "tree": ["z": "1", "y": "2"],
        ]
        #expect(
            Self.line(.json, "Say \"hi\"\n", metadata)
                == #"{"time":"2026-11-21T06:32:00.007Z","level":"warning","message":"Say \"hi\"\n","logger":"cdn","#
                + #""half":"0.5","http.response.status_code":200,"level_":"mine","list":[1,"a\\b"],"ok":true,"#
                + #""tree":{"y":"2","z":"1"}}"#
        )
    }

    @Test(arguments: [LogFormat.json, .text(isColoured: false)])
    func `no control character gets through, wherever it stands`(format: LogFormat) {
        let evil = String(String.UnicodeScalarView((0..<0xa0).compactMap { Unicode.Scalar($0 as UInt32) }))
        let metadata: Logger.Metadata = [evil: .string(evil), "a": [.string(evil)], "d": [evil: .string(evil)]]
        let line = Self.line(format, evil, metadata)
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) })
        #expect(line.contains(#"\u001b"#) && line.contains(#"\u009b"#) && line.contains(#"\r"#))
    }

    @Test func `colour is only where it was asked for`() {
        #expect(Self.line(.text(isColoured: true), "m").contains("\u{1b}[33mWARNING\u{1b}[0m "))
        #expect(!Self.line(.text(isColoured: false), "m").contains("\u{1b}"))
    }

    @Test func `the handler merges metadata, nearest first, and writes whole lines`() {
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "l") { label in
            LineLogHandler(
                label: label,
                format: .text(isColoured: false),
                level: .info,
                now: { .zero },
                write: { line in lines.withLock { $0.append(line) } }
            )
        }
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "b"] = "logger"
        logger.info("One", metadata: ["b": "event"])
        logger.debug("Two")
        #expect(
            lines.withLock { $0 } == ["1970-01-01T00:00:00.000Z INFO     One a=logger b=event\n"]
        )
    }
}
