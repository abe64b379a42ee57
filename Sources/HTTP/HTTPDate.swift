// Dates in field values: the one form that is sent and the three that are understood (RFC 9110 section 5.6.7).

/// HTTP-date: parsers of fixed width, one for each form, and the writer of IMF-fixdate.
///
/// Only letter case is free (day, month and zone names). What merely looks like a date is none, so that an unclear
/// `Expires` is a past one: no other zone than GMT, no missing comma, no doubled space, no one-digit hour.
package enum HTTPDate {
    /// How many octets ``format(_:)`` gives.
    package static let formattedCount = 29

    /// The time that `text` spells in any of the three forms, or nil.
    ///
    /// The day name must be one, but need not be the date's. Years before 1678 and after 2261 give the ends of what
    /// ``Timestamp`` can express. `now` is needed for the two-digit year of RFC 850's form: it is the latest year with
    /// these digits that is at most 50 years ahead.
    package static func parse(_ text: Span<UInt8>, now: Timestamp) -> Timestamp? {
        switch text.count {
        case 29: parseIMFFixdate(text)
        case 24: parseAsctime(text)
        case 30...33: parseRFC850(text, now: now)
        default: nil
        }
    }

    /// `time` as IMF-fixdate, 29 octets; fractions of a second are cut off.
    package static func format(_ time: Timestamp) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(formattedCount)
        write(time, into: &output)
        return output
    }

    /// Appends `time` as IMF-fixdate, 29 octets; fractions of a second are cut off.
    package static func write(_ time: Timestamp, into output: inout [UInt8]) {
        let seconds = time.seconds
        let secondOfDay = Int((seconds % 86_400 + 86_400) % 86_400)
        let day = (seconds - Int64(secondOfDay)) / 86_400
        let date = CivilDate(daysSinceEpoch: day)
        // 1970-01-01 was a Thursday.
        append(letters: shortDays, at: Int((day % 7 + 11) % 7), into: &output)
        output.append(0x2c)
        output.append(0x20)
        append(digits: date.day, width: 2, into: &output)
        output.append(0x20)
        append(letters: months, at: date.month - 1, into: &output)
        output.append(0x20)
        append(digits: date.year, width: 4, into: &output)
        output.append(0x20)
        append(digits: secondOfDay / 3600, width: 2, into: &output)
        output.append(0x3a)
        append(digits: secondOfDay / 60 % 60, width: 2, into: &output)
        output.append(0x3a)
        append(digits: secondOfDay % 60, width: 2, into: &output)
        output.append(contentsOf: [0x20, 0x47, 0x4d, 0x54])
    }

    // MARK: The three forms

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func parseIMFFixdate(_ text: Span<UInt8>) -> Timestamp? {
        guard
            isShortDay(text, at: 0), text[3] == 0x2c, text[4] == 0x20,
            let day = digits(text, at: 5, count: 2), text[7] == 0x20,
            let month = month(text, at: 8), text[11] == 0x20,
            let year = digits(text, at: 12, count: 4), text[16] == 0x20,
            let second = secondOfDay(text, at: 17), text[25] == 0x20, isGMT(text, at: 26),
            let days = CivilDate(year: year, month: month, day: day)?.daysSinceEpoch
        else { return nil }
        return Timestamp(seconds: days * 86_400 + second)
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`.
    private static func parseRFC850(_ text: Span<UInt8>, now: Timestamp) -> Timestamp? {
        let comma = text.count - 24
        guard
            isLongDay(text.extracting(0..<comma)), text[comma] == 0x2c, text[comma + 1] == 0x20,
            let day = digits(text, at: comma + 2, count: 2), text[comma + 4] == 0x2d,
            let month = month(text, at: comma + 5), text[comma + 8] == 0x2d,
            let year = digits(text, at: comma + 9, count: 2), text[comma + 11] == 0x20,
            let second = secondOfDay(text, at: comma + 12), text[comma + 20] == 0x20, isGMT(text, at: comma + 21)
        else { return nil }
        let century = CivilDate(daysSinceEpoch: now.seconds / 86_400).year / 100
        let limit = now.seconds + fiftyYears
        for candidate in [century + 1, century, century - 1] {
            // The 29th of February may exist in one century and not in the other.
            guard let days = CivilDate(year: candidate * 100 + year, month: month, day: day)?.daysSinceEpoch else {
                continue
            }
            let seconds = days * 86_400 + second
            if seconds <= limit { return Timestamp(seconds: seconds) }
        }
        return nil
    }

    /// `Sun Nov  6 08:49:37 1994`.
    private static func parseAsctime(_ text: Span<UInt8>) -> Timestamp? {
        guard
            isShortDay(text, at: 0), text[3] == 0x20,
            let month = month(text, at: 4), text[7] == 0x20,
            let day = text[8] == 0x20 ? digits(text, at: 9, count: 1) : digits(text, at: 8, count: 2),
            text[10] == 0x20, let second = secondOfDay(text, at: 11), text[19] == 0x20,
            let year = digits(text, at: 20, count: 4),
            let days = CivilDate(year: year, month: month, day: day)?.daysSinceEpoch
        else { return nil }
        return Timestamp(seconds: days * 86_400 + second)
    }

    // MARK: Pieces

    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
    private static let shortDays: StaticString = "SunMonTueWedThuFriSat"
    /// 50 Gregorian years of 365.2425 days.
    private static let fiftyYears: Int64 = 1_577_847_600

    private static func digits(_ text: Span<UInt8>, at start: Int, count: Int) -> Int? {
        text.extracting(start..<start + count).decimal.map(Int.init)
    }

    /// `08:49:37`, each of two digits; 60 is a leap second and counts as the next minute's first.
    private static func secondOfDay(_ text: Span<UInt8>, at start: Int) -> Int64? {
        guard
            let hour = digits(text, at: start, count: 2), text[start + 2] == 0x3a,
            let minute = digits(text, at: start + 3, count: 2), text[start + 5] == 0x3a,
            let second = digits(text, at: start + 6, count: 2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        return Int64(hour * 3600 + minute * 60 + second)
    }

    private static func month(_ text: Span<UInt8>, at start: Int) -> Int? {
        indexOfLetters(text, at: start, in: months, count: 12).map { $0 + 1 }
    }

    private static func isShortDay(_ text: Span<UInt8>, at start: Int) -> Bool {
        indexOfLetters(text, at: start, in: shortDays, count: 7) != nil
    }

    private static func isLongDay(_ text: Span<UInt8>) -> Bool {
        text.equalsIgnoringCase("sunday") || text.equalsIgnoringCase("monday") || text.equalsIgnoringCase("tuesday")
            || text.equalsIgnoringCase("wednesday") || text.equalsIgnoringCase("thursday")
            || text.equalsIgnoringCase("friday") || text.equalsIgnoringCase("saturday")
    }

    private static func isGMT(_ text: Span<UInt8>, at start: Int) -> Bool {
        text.extracting(start..<start + 3).equalsIgnoringCase("gmt")
    }

    /// Which of the three-letter names in `names` stands at `start`, letter case free.
    private static func indexOfLetters(_ text: Span<UInt8>, at start: Int, in names: StaticString, count: Int) -> Int? {
        names.withUTF8Buffer { letters in
            (0..<count).first { index in
                (0..<3).allSatisfy { Octet.lowercased(text[start + $0]) == Octet.lowercased(letters[index * 3 + $0]) }
            }
        }
    }

    private static func append(letters names: StaticString, at index: Int, into output: inout [UInt8]) {
        names.withUTF8Buffer { output.append(contentsOf: $0[index * 3..<index * 3 + 3]) }
    }

    private static func append(digits value: Int, width: Int, into output: inout [UInt8]) {
        var divisor = width == 4 ? 1000 : 10
        while divisor > 0 {
            output.append(0x30 + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
