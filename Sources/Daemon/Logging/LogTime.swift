// The time in a log line: RFC 3339 in UTC to the millisecond, computed without Foundation.

/// Formats times since 1970-01-01T00:00:00Z.
enum LogTime {
    /// `2026-11-21T06:12:00.123Z` for a time since the epoch; years 0 to 9999, beyond them the nearest of these.
    static func text(_ sinceEpoch: Duration) -> String {
        let (seconds, attoseconds) = sinceEpoch.components
        // A time before the epoch has both parts negative: go back to a whole second.
        let wholeSeconds = attoseconds < 0 ? seconds - 1 : seconds
        let fraction = attoseconds < 0 ? attoseconds + 1_000_000_000_000_000_000 : attoseconds
        let clamped = min(max(wholeSeconds, -62_167_219_200), 253_402_300_799)
        let day = (clamped - (clamped % 86400 + 86400) % 86400) / 86400
        let second = clamped - day * 86400
        let (year, month, dayOfMonth) = date(ofDay: day)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T\(padded(second / 3600, 2)):"
            + "\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2)).\(padded(fraction / 1_000_000_000_000_000, 3))Z"
    }

    /// The Gregorian date of a day since the epoch, by eras of 400 years that begin in March.
    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
