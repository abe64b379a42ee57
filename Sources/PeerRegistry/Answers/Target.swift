// What a request target is about: a name, the batch and listing, the changes; and its query.

import HTTP
import PeerIdentity

/// A request target, taken apart.
enum Target: Sendable {
    case help
    /// `/peers/{id}`: the octets of the name, still encoded.
    case peer(ArraySlice<UInt8>)
    case peers(Query)
    case changes(Query)
    case unknown

    init(_ octets: [UInt8]) {
        let end = octets.firstIndex(of: 0x3f) ?? octets.count
        let path = octets[..<end]
        let query = octets[min(end + 1, octets.count)...]
        if path.starts(with: Target.peerPrefix) {
            let name = path.dropFirst(Target.peerPrefix.count)
            self = name.contains(0x2f) || name.isEmpty ? .unknown : .peer(name)
        } else if path.elementsEqual("/peers".utf8) {
            self = .peers(Query(query))
        } else if path.elementsEqual("/changes".utf8) {
            self = .changes(Query(query))
        } else {
            self = path.elementsEqual("/".utf8) ? .help : .unknown
        }
    }

    static let peerPrefix = Array("/peers/".utf8)
}

/// The parameters of a query, values still encoded; those that nobody knows are passed over.
struct Query: Sendable {
    private let octets: ArraySlice<UInt8>

    init(_ octets: ArraySlice<UInt8>) {
        self.octets = octets
    }

    /// The value of a parameter; nil if it is not there.
    ///
    /// - Throws: If it is there twice.
    func value(_ name: StaticString) throws(Refusal) -> ArraySlice<UInt8>? {
        var found: ArraySlice<UInt8>?
        for pair in octets.split(separator: 0x26) {
            let end = pair.firstIndex(of: 0x3d) ?? pair.endIndex
            guard name.withUTF8Buffer({ pair[..<end].elementsEqual($0) }) else { continue }
            guard found == nil else { throw Refusal(400, "\(name) stands twice in the query") }
            found = pair[min(end + 1, pair.endIndex)...]
        }
        return found
    }
}

/// An answer that is no success, thrown to whoever writes it.
struct Refusal: Error {
    let status: Int
    let message: String

    init(_ status: Int, _ message: String) {
        (self.status, self.message) = (status, message)
    }

    /// What is wrong with something a peer sent.
    init(_ error: PeerIdentityError) {
        let status =
            switch error.code {
            case .tooLarge: 413
            case .badSignature: 401
            default: 400
            }
        self.init(status, error.message)
    }
}

/// The one value of a field; nil if there is none.
///
/// - Throws: If there are several.
func onlyValue(_ name: String, of fields: Fields) throws(Refusal) -> ArraySlice<UInt8>? {
    let values = fields.values(named: name.utf8.span)
    guard values.count <= 1 else { throw Refusal(400, "\(name) stands twice") }
    return values.first
}
