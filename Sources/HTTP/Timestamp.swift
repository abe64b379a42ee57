// A point in time as one integer: what the rules compare, and what is kept with a stored response.

/// Nanoseconds since the Unix epoch, without leap seconds; times outside of 1677-09-21 to 2262-04-11 are kept at the
/// nearest of these ends.
///
/// There is no way to ask for the present: whoever needs it is given it.
@usableFromInline
package struct Timestamp: Sendable, Hashable, Comparable {
    @usableFromInline
    package var nanoseconds: Int64

    /// The earliest time that can be expressed, in 1677.
    package static let earliest = Timestamp(nanoseconds: .min)
    /// The latest time that can be expressed, in 2262.
    package static let latest = Timestamp(nanoseconds: .max)

    @inlinable
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Whole seconds since the Unix epoch, kept within what can be expressed.
    package init(seconds: Int64) {
        nanoseconds = Timestamp.nanoseconds(inSeconds: seconds)
    }

    /// Whole seconds since the Unix epoch, rounded down.
    package var seconds: Int64 {
        Timestamp.flooredSeconds(nanoseconds)
    }

    /// The time so many seconds later (earlier if negative), kept within what can be expressed.
    @inlinable
    package func advanced(bySeconds seconds: Int64) -> Timestamp {
        advanced(byNanoseconds: Timestamp.nanoseconds(inSeconds: seconds))
    }

    /// The time so many nanoseconds later (earlier if negative), kept within what can be expressed.
    @inlinable
    package func advanced(byNanoseconds count: Int64) -> Timestamp {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(count)
        return Timestamp(nanoseconds: overflow ? (count < 0 ? .min : .max) : sum)
    }

    /// The whole seconds from `other` to this time, rounded down; negative if `other` is later.
    @inlinable
    package func secondsSince(_ other: Timestamp) -> Int64 {
        Timestamp.flooredSeconds(nanosecondsSince(other))
    }

    /// The nanoseconds from `other` to this time; negative if `other` is later.
    @inlinable
    package func nanosecondsSince(_ other: Timestamp) -> Int64 {
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(other.nanoseconds)
        return overflow ? (self < other ? .min : .max) : difference
    }

    @inlinable
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    @usableFromInline
    static let second: Int64 = 1_000_000_000

    @inlinable
    static func nanoseconds(inSeconds seconds: Int64) -> Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: second)
        return overflow ? (seconds < 0 ? .min : .max) : product
    }

    @inlinable
    static func flooredSeconds(_ nanoseconds: Int64) -> Int64 {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: second)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
