// What can be wrong with the URL that an origin map is made from, each with the sentence a person reads.

/// Why a URL cannot be put in front of; no message ever repeats the URL, which may hold a password.
package enum OriginMapError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Does not begin with `http://` or `https://`.
    case scheme
    /// No host between `//` and the path.
    case hostMissing
    /// The host holds something that no host name or IPv4 address has.
    case host
    /// `[` without a well-formed IPv6 address and `]`.
    case ipv6
    /// Not a number from 1 to 65535.
    case port
    /// User name or password: a second `@`, a bad percent-encoding, a control character, a colon in the user name.
    case credentials
    /// A `#` and what follows it; an origin never sees it.
    case fragment
    /// An octet that no URL may hold; `encoded` is how to write it.
    case octet(name: String, encoded: String)
    /// Longer than ``OriginMap/octetsMax``.
    case tooLong

    /// What is wrong and what to do, to be put behind "the URL ".
    package var description: String {
        switch self {
        case .scheme: "must begin with http:// or https://"
        case .hostMissing: "names no host; write it as http://host/path"
        case .host: "has a host that is neither a name nor an address; letters, digits, '-', '_' and '.' are allowed"
        case .ipv6: "has a malformed IPv6 address; write it as http://[::1]:8080/path"
        case .port: "has a port that is not a number from 1 to 65535"
        case .credentials:
            "has a malformed user name or password; percent-encode what is not a letter or digit in them (@ is %40)"
        case .fragment: "has a fragment; leave out '#' and what follows it, or write %23 for a '#' in the path"
        case .octet(let name, let encoded): "holds \(name); write it as \(encoded)"
        case .tooLong: "is longer than \(OriginMap.octetsMax) octets"
        }
    }
}
