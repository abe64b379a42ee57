// In which form a look-up is answered: the URL, the record, or JSON; what Accept asks for (RFC 9110 section 12.5.1).

import HTTP

/// A form of what is known of a peer.
enum Representation: Int, Sendable, CaseIterable {
    /// The URL as text: preferred where nothing else is asked for.
    case url
    /// The signed record.
    case record
    /// All of it as JSON.
    case json

    /// The media type.
    var mediaType: StaticString {
        switch self {
        case .url: "text/plain"
        case .record: "application/jwt"
        case .json: "application/json"
        }
    }

    /// The last octet of its entity tags.
    var tag: UInt8 {
        switch self {
        case .url: 0x74
        case .record: 0x72
        case .json: 0x6a
        }
    }
}

/// How much each form is wanted, gathered from lines of Accept.
struct AcceptedForms {
    /// Thousandths; -1: not mentioned.
    private var quality = SIMD4<Int16>(repeating: -1)
    /// How exactly it was mentioned: `type/subtype` 2, `type/*` 1, `*/*` 0.
    private var precision = SIMD4<Int16>(repeating: -1)

    /// The form wanted most, the first of equals; what is not wanted at all is answered with the URL, as RFC 9110 section
    /// 12.5.1 allows.
    func best(hasRecord: Bool) -> Representation {
        var best = Representation.url
        var most: Int16 = 0
        for form in Representation.allCases where quality[form.rawValue] > most {
            if form == .record, !hasRecord { continue }
            (best, most) = (form, quality[form.rawValue])
        }
        return best
    }

    /// Takes in one line; what is no media range is passed over.
    mutating func add(_ line: Span<UInt8>) {
        var position = 0
        while position < line.count {
            let start = position
            while position < line.count, line[position] != 0x2c { position += 1 }
            add(range: line.extracting(start..<position))
            position += 1
        }
    }

    private mutating func add(range text: Span<UInt8>) {
        var end = 0
        while end < text.count, text[end] != 0x3b { end += 1 }
        let type = text.extracting(text.trimmingWhitespace(0..<end))
        let weight = AcceptedForms.weight(text.extracting(end...))
        if type.equalsIgnoringCase("*/*") {
            for form in Representation.allCases { note(form, weight, 0) }
        } else if type.equalsIgnoringCase("application/*") {
            note(.record, weight, 1)
            note(.json, weight, 1)
        } else if type.equalsIgnoringCase("text/*") {
            note(.url, weight, 1)
        } else {
            for form in Representation.allCases where type.equalsIgnoringCase(form.mediaType) { note(form, weight, 2) }
        }
    }

    private mutating func note(_ form: Representation, _ weight: Int16, _ precision: Int16) {
        guard precision >= self.precision[form.rawValue] else { return }
        self.precision[form.rawValue] = precision
        quality[form.rawValue] = weight
    }

    /// `;q=0.5` among the parameters as thousandths; 1,000 if there is none, 0 if it is none that can be read.
    private static func weight(_ parameters: Span<UInt8>) -> Int16 {
        var position = 0
        while position < parameters.count {
            let start = position + 1
            position = start
            while position < parameters.count, parameters[position] != 0x3b { position += 1 }
            guard start < position else { continue }
            let parameter = parameters.extracting(parameters.trimmingWhitespace(start..<position))
            guard parameter.count >= 2, parameter[0] | 0x20 == 0x71, parameter[1] == 0x3d else { continue }
            return thousandths(parameter.extracting(2...))
        }
        return 1_000
    }

    /// `qvalue`: 0 or 1 and up to three places (RFC 9110 section 12.4.2).
    private static func thousandths(_ text: Span<UInt8>) -> Int16 {
        guard 1...5 ~= text.count, text[0] == 0x30 || text[0] == 0x31 else { return 0 }
        var value = Int16(text[0] - 0x30) * 1_000
        guard text.count > 1 else { return value }
        guard text[1] == 0x2e else { return 0 }
        var place: Int16 = 100
        for index in 2..<text.count {
            guard Octet.isDigit(text[index]) else { return 0 }
            value += Int16(text[index] - 0x30) * place
            place /= 10
        }
        return min(value, 1_000)
    }
}
