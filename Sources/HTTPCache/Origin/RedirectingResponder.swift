// Follows the redirects of one resource: the medium that was named on the command line.

package import HTTP

/// A responder that follows redirects of one target, so that the medium is had and cached under the URL that was given.
///
/// Redirects of other targets pass, as they are what the origin says about them.
package struct RedirectingResponder: Responder {
    private let origin: any Responder
    private let medium: [UInt8]

    /// The most redirects that are followed for one request; curl and browsers stop at 20 to 50, a medium needs few.
    package static let redirectsMax = 10

    /// A responder in front of `origin` that follows what `map`'s URL itself redirects to.
    package init(_ origin: any Responder, map: OriginMap) {
        self.origin = origin
        medium = map.octets(of: .root)
    }

    package func respond(to request: Request) async throws -> Response {
        guard request.target == medium, request.method == .get || request.method == .head else {
            return try await origin.respond(to: request)
        }
        var request = request
        for _ in 0..<Self.redirectsMax {
            let response = try await origin.respond(to: request)
            guard [301, 302, 303, 307, 308].contains(response.status), let location = response.fields[.location] else {
                return response
            }
            let here = OriginReference(scheme: request.scheme, authority: request.authority, target: request.target)
            guard let next = here.resolving(location.span) else { return response }
            response.body.cancel()
            if next.authority != request.authority || next.scheme != request.scheme {
                // What was meant for one server is not shown to another.
                request.fields.remove(.authorization)
                request.fields.remove(.cookie)
            }
            request.scheme = next.scheme
            request.authority = next.authority
            request.target = next.target
        }
        throw TooManyRedirects()
    }
}

/// The medium's URL led from redirect to redirect.
struct TooManyRedirects: GatewayFailure {
    let gatewayStatus = 502
    // RFC 9209 section 2.3.3: no next hop could be determined.
    let proxyStatusError = "destination_not_found"
}
