// Which stored responses an unsafe request makes invalid (RFC 9111 section 4.4).

package import HTTP

/// Finds the URIs whose stored responses must go.
package enum Invalidation {
    /// The URIs to drop after the answer to a request: none unless the method is unsafe and the status 2xx or 3xx; else
    /// the target, and what Location and Content-Location name in the same origin.
    ///
    /// Unknown methods count as unsafe. Other origins are left alone, or anyone could empty a cache of others' content.
    package static func uris(method: Method, uri: TargetURI, status: Int, response: Fields) -> [TargetURI] {
        guard !method.isSafe, (200..<400).contains(status) else { return [] }
        var uris = [uri]
        for value in response.values(.location) + response.values(.contentLocation) {
            guard let other = uri.resolve(value.span), !uris.contains(other) else { continue }
            uris.append(other)
        }
        return uris
    }
}
