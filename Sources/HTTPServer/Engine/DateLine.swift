// The Date field line, formatted once a second instead of once a response.

/// `Date: Sun, 06 Nov 1994 08:49:37 GMT` and CRLF for the current second (RFC 9110 section 6.6.1).
struct DateLine: Sendable {
    /// The line with its CRLF.
    private(set) var octets: [UInt8] = []
    private var second = Int64.min

    /// Formats the line anew if `unixTime` is another second.
    mutating func update(unixTime: Int64) {
        guard unixTime != second else { return }
        second = unixTime
        octets = Array("Date: \(DateLine.text(unixTime: unixTime))\r\n".utf8)
    }

    /// IMF-fixdate (RFC 9110 section 5.6.7) of `unixTime` seconds since 1970.
    static func text(unixTime: Int64) -> String {
        let (days, time) = unixTime.quotientAndRemainderFloored(dividingBy: 86400)
        // Civil date from days: eras of 400 years that begin on 1 March of year 0.
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainderFloored(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let weekday = weekdays[Int((days + 4).quotientAndRemainderFloored(dividingBy: 7).remainder)]
        let clock = "\(twoDigits(time / 3600)):\(twoDigits(time / 60 % 60)):\(twoDigits(time % 60))"
        return "\(weekday), \(twoDigits(day)) \(months[Int(month) - 1]) \(year) \(clock) GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func twoDigits(_ value: Int64) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }
}

extension Int64 {
    /// Division that rounds down, so that the remainder is never negative.
    fileprivate func quotientAndRemainderFloored(dividingBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
