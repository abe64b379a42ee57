// How long a stored response may be used: its age and lifetime, settled once when it arrives (RFC 9111 section 4.2).

package import HTTP

/// The facts about time of one stored response; small, kept with it and persisted.
package struct Freshness: Sendable, Hashable {
    /// What the response says about its use, beside numbers.
    package struct Flags: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// `no-cache`: validated before each use, fresh or not.
        package static let alwaysValidate = Flags(rawValue: 1)
        /// `must-revalidate`, `proxy-revalidate`, `s-maxage` or `no-cache`: never served stale, not even while
        /// revalidating or when the origin is gone (RFC 9111 section 4.2.4).
        package static let neverStale = Flags(rawValue: 2)
        /// `immutable`: a client's wish for a younger one is no reason to validate while fresh (RFC 8246).
        package static let immutable = Flags(rawValue: 4)
        /// The lifetime was stated, even if as 0 or unreadable; else it is a guess, or 0 for want of one.
        package static let explicit = Flags(rawValue: 8)
    }

    /// When the origin generated or last validated the response, by our clock: age counts from here.
    package let generated: Timestamp
    /// How old it may become.
    package let lifetimeSeconds: DeltaSeconds
    /// How long past its lifetime it may be served while it is validated; 0: not.
    package let staleWhileRevalidateSeconds: DeltaSeconds
    /// How long past its lifetime it may be served instead of an error; nil: not stated.
    package let staleIfErrorSeconds: DeltaSeconds?
    package let flags: Flags

    /// The longest lifetime that is guessed.
    package static let heuristicLifetimeSecondsMax: DeltaSeconds = 86_400

    /// The facts of a response as it came from the origin.
    ///
    /// - Parameters:
    ///   - status: The response's.
    ///   - fields: The response's; after a 304 the updated ones.
    ///   - requested: When the request was sent.
    ///   - received: When the response's head was there.
    package init(status: Int, fields: Fields, requested: Timestamp, received: Timestamp) {
        let control = ResponseControl(fields)
        let directives = control.directives
        let date = Freshness.date(fields, .date, now: received) ?? received
        generated = Freshness.generated(fields, date: date, requested: requested, received: received)
        var flags: Flags = []
        if directives.noCache { flags.formUnion([.alwaysValidate, .neverStale]) }
        // RFC 9111 section 5.2.2.10: s-maxage implies proxy-revalidate.
        if directives.mustRevalidate || directives.proxyRevalidate || directives.sMaxAge != nil {
            flags.insert(.neverStale)
        }
        if directives.immutable { flags.insert(.immutable) }
        if let stated = Freshness.statedLifetime(control, fields, date: date, received: received) {
            flags.insert(.explicit)
            lifetimeSeconds = stated
        } else {
            let mayGuess = StatusCode.isHeuristicallyCacheable(status) || directives.isPublic
            lifetimeSeconds = mayGuess ? Freshness.heuristicLifetime(fields, date: date, received: received) : 0
        }
        staleWhileRevalidateSeconds = directives.staleWhileRevalidate ?? 0
        staleIfErrorSeconds = directives.staleIfError
        self.flags = flags
    }

    private init(
        generated: Timestamp,
        lifetimeSeconds: DeltaSeconds,
        staleWhileRevalidateSeconds: DeltaSeconds,
        staleIfErrorSeconds: DeltaSeconds?,
        flags: Flags
    ) {
        self.generated = generated
        self.lifetimeSeconds = lifetimeSeconds
        self.staleWhileRevalidateSeconds = staleWhileRevalidateSeconds
        self.staleIfErrorSeconds = staleIfErrorSeconds
        self.flags = flags
    }

    // MARK: At a given time

    /// The seconds to write into Age (RFC 9111 section 5.1).
    package func age(at now: Timestamp) -> DeltaSeconds {
        min(max(now.secondsSince(generated), 0), .deltaSecondsMax)
    }

    /// When the response becomes stale.
    package var expiry: Timestamp { generated.advanced(bySeconds: lifetimeSeconds) }

    /// Whether the lifetime is above the age (RFC 9111 section 4.2); a fresh one may still have to be validated.
    package func isFresh(at now: Timestamp) -> Bool {
        now < expiry
    }

    /// The whole seconds of lifetime that are left; negative: so long has it been stale.
    package func remaining(at now: Timestamp) -> Int64 {
        expiry.secondsSince(now)
    }

    /// Whether it is fresh or has been stale for less than `seconds`.
    package func isWithin(staleSeconds seconds: DeltaSeconds, at now: Timestamp) -> Bool {
        now < expiry.advanced(bySeconds: seconds)
    }

    // MARK: As octets

    /// How many octets ``encode(into:)`` writes.
    package static let encodedCount = 34

    private static let encodingVersion: UInt8 = 1

    /// Appends a fixed encoding for the store: version, flags, four integers of 8 octets, most significant first.
    package func encode(into output: inout [UInt8]) {
        output.append(Freshness.encodingVersion)
        output.append(flags.rawValue)
        let numbers = [
            generated.nanoseconds, lifetimeSeconds, staleWhileRevalidateSeconds, staleIfErrorSeconds ?? -1,
        ]
        for number in numbers {
            for shift in stride(from: Int64(56), through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
    }

    /// What ``encode(into:)`` wrote; nil if it is of another version or length, or cannot have been written.
    package init?(encoded: Span<UInt8>) {
        guard encoded.count == Freshness.encodedCount, encoded[0] == Freshness.encodingVersion else { return nil }
        func number(_ index: Int) -> Int64 {
            (0..<8).reduce(0) { $0 << 8 | Int64(encoded[2 + index * 8 + $1]) }
        }
        let durations = 0...DeltaSeconds.deltaSecondsMax
        let staleIfError = number(3)
        guard
            durations.contains(number(1)), durations.contains(number(2)),
            staleIfError == -1 || durations.contains(staleIfError)
        else { return nil }
        self.init(
            generated: Timestamp(nanoseconds: number(0)),
            lifetimeSeconds: number(1),
            staleWhileRevalidateSeconds: number(2),
            staleIfErrorSeconds: staleIfError < 0 ? nil : staleIfError,
            flags: Flags(rawValue: encoded[1])
        )
    }

    // MARK: Calculation

    /// RFC 9111 section 4.2.3: the time that lies corrected_initial_age before the response's arrival.
    private static func generated(
        _ fields: Fields,
        date: Timestamp,
        requested: Timestamp,
        received: Timestamp
    ) -> Timestamp {
        // Dates have whole seconds, so the apparent age is counted in these, or each response would be up to a second
        // older than it is. It stands in for an Age that a cache on the way did not write; where nobody says that they
        // were on the way, or all who do know of Age and it is there, an old Date is a clock that is behind, and the
        // lifetime is Expires minus Date all the same.
        let age = Age.parse(fields.values(.age))
        let isAgeDoubtful = fields.contains(.via) && (age == nil || hasOldHop(fields))
        let apparentAge = isAgeDoubtful ? max(0, received.seconds - date.seconds) : 0
        let responseDelay = max(0, received.nanosecondsSince(requested))
        let byDate = received.advanced(bySeconds: -apparentAge)
        let byAge = received.advanced(bySeconds: -(age ?? 0))
            .advanced(byNanoseconds: -responseDelay)
        return min(byDate, byAge)
    }

    /// Whether Via names a recipient of HTTP/1.0, which knows nothing of Age (RFC 9110 section 7.6.3).
    private static func hasOldHop(_ fields: Fields) -> Bool {
        fields.values(.via).contains { line in
            line.split(separator: 0x2c).contains { member in
                let text = member.drop(while: Octet.isWhitespace)
                return text.starts(with: "1.0 ".utf8) || text.starts(with: "HTTP/1.0 ".utf8)
            }
        }
    }

    /// RFC 9111 section 4.2.1: s-maxage, max-age, or Expires minus Date; of CDN-Cache-Control only the first two.
    private static func statedLifetime(
        _ control: ResponseControl,
        _ fields: Fields,
        date: Timestamp,
        received: Timestamp
    ) -> DeltaSeconds? {
        if let seconds = control.directives.sMaxAge ?? control.directives.maxAge { return seconds }
        guard !control.isTargeted, fields.contains(.expires) else { return nil }
        // RFC 9111 section 5.3: what is no date, or is said twice, is in the past.
        guard let expires = Freshness.date(fields, .expires, now: received) else { return 0 }
        return min(max(expires.secondsSince(date), 0), .deltaSecondsMax)
    }

    /// RFC 9111 section 4.2.2: a tenth of the time since the last modification; 0 without one.
    private static func heuristicLifetime(_ fields: Fields, date: Timestamp, received: Timestamp) -> DeltaSeconds {
        guard let modified = Freshness.date(fields, .lastModified, now: received) else { return 0 }
        return min(max(date.secondsSince(modified) / 10, 0), heuristicLifetimeSecondsMax)
    }

    /// The date that the one line of a field gives.
    private static func date(_ fields: Fields, _ field: KnownField, now: Timestamp) -> Timestamp? {
        fields.only(field).flatMap { HTTPDate.parse($0.span, now: now) }
    }
}
