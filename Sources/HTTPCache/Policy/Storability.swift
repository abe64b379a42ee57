// Whether a response may be stored by this cache, which is a shared one (RFC 9111 section 3).

package import HTTP

/// What may be kept of a response.
package enum Storability: Sendable, Equatable {
    /// All of it.
    case storable
    /// A 206: that range of the representation, if its body turns out to be of just that length.
    case storableAsPartial(ContentRange)
    /// Nothing; what is stored already stays as it is.
    case refused(Reason)

    /// Why a response is not stored.
    package enum Reason: Sendable, Equatable {
        /// Neither a GET nor a POST whose answer is the target's own representation (RFC 9110 section 9.3.3).
        case method
        /// An interim response.
        case notFinal
        /// 304, 412, 416 and such, which say something about one request, or a status whose RFC forbids to store it.
        case status
        /// A 206 without a usable Content-Range, as one of several ranges.
        case contentRange
        /// `no-store` in the response.
        case noStore
        /// `no-store` in the request.
        case requestNoStore
        /// `private` in the response.
        case isPrivate
        /// The request had Authorization and the response does not allow that (RFC 9111 section 3.5).
        case authorization
        /// `must-understand` with a status that this cache knows nothing about.
        case notUnderstood
        /// Neither a lifetime, nor `public`, nor a status that may be stored without.
        case noLifetime
        /// `Vary: *`: no request would ever match.
        case varyAny
        /// Set-Cookie where this is switched off, or where nobody stated a lifetime.
        case setCookie
    }

    /// What the person who runs the cache decided.
    package struct Options: Sendable {
        /// Store responses with Set-Cookie if they state a lifetime, as RFC 9111 section 7.3 allows.
        package var storeSetCookie = true
        /// Do not heed `no-store` of requests.
        package var ignoreClientCacheControl = false

        package init() {}
    }

    /// What may be kept of a response.
    ///
    /// - Parameters:
    ///   - method: The request's.
    ///   - uri: The request's.
    ///   - request: The request's fields.
    ///   - status: The response's.
    ///   - response: The response's fields.
    ///   - options: Choices.
    /// - Returns: The first reason against it, if there is one.
    package static func decide(
        method: Method,
        uri: TargetURI,
        request: Fields,
        status: Int,
        response: Fields,
        options: Options = Options()
    ) -> Storability {
        let control = ResponseControl(response)
        let directives = control.directives
        let isExplicit = hasStatedLifetime(control, response)
        if let reason = statusReason(status) { return .refused(reason) }
        guard isStored(method, uri, status, response, isExplicit: isExplicit) else { return .refused(.method) }
        if !options.ignoreClientCacheControl, CacheControl.parse(request).noStore { return .refused(.requestNoStore) }
        if directives.mustUnderstand {
            // RFC 9111 section 5.2.2.3: it takes the place of no-store where the status is understood.
            guard StatusCode.isUnderstood(status) else { return .refused(.notUnderstood) }
        } else if directives.noStore {
            return .refused(.noStore)
        }
        if directives.isPrivate { return .refused(.isPrivate) }
        let mayShare = directives.isPublic || directives.mustRevalidate || directives.sMaxAge != nil
        if request.contains(.authorization), !mayShare { return .refused(.authorization) }
        guard isExplicit || directives.isPublic || StatusCode.isHeuristicallyCacheable(status) else {
            return .refused(.noLifetime)
        }
        if Vary.parse(response) == .any { return .refused(.varyAny) }
        if response.contains(.setCookie), !isSetCookieStored(directives, isExplicit, options) {
            return .refused(.setCookie)
        }
        guard status == 206 else { return .storable }
        guard let range = ContentRange.parse(response), range.range != nil else { return .refused(.contentRange) }
        return .storableAsPartial(range)
    }

    private static func statusReason(_ status: Int) -> Reason? {
        switch status {
        case ..<200: .notFinal
        // The answer to a condition, a range, an expectation, a connection or a client, not to the target alone.
        case 304, 407, 408, 412, 416, 417, 421, 426: .status
        // RFC 8470 section 5.2; RFC 6585 sections 3 to 6: "MUST NOT be stored by a cache".
        case 425, 428, 429, 431, 511: .status
        default: nil
        }
    }

    private static func isStored(
        _ method: Method,
        _ uri: TargetURI,
        _ status: Int,
        _ response: Fields,
        isExplicit: Bool
    ) -> Bool {
        if method == .get { return true }
        // RFC 9110 section 9.3.3: with explicit freshness and a Content-Location that is the target. RFC 9110 section 8.7
        // gives Content-Location this meaning in a 2xx; a part is no answer to a later GET.
        guard method == .post, isExplicit, status / 100 == 2, status != 206,
            let location = response[.contentLocation]
        else { return false }
        return response.values(.contentLocation).count == 1 && uri.resolve(location.span) == uri
    }

    /// RFC 9111 section 3: max-age, s-maxage or Expires, whatever their values.
    private static func hasStatedLifetime(_ control: ResponseControl, _ response: Fields) -> Bool {
        control.directives.maxAge != nil || control.directives.sMaxAge != nil
            || !control.isTargeted && response.contains(.expires)
    }

    /// Whether a response with Set-Cookie is stored; one line that is not to be stored anyway does not count.
    private static func isSetCookieStored(_ directives: CacheControl, _ isExplicit: Bool, _ options: Options) -> Bool {
        let setCookie = Array("set-cookie".utf8)
        if directives.noCacheFields.contains(setCookie) || directives.privateFields.contains(setCookie) { return true }
        return options.storeSetCookie && (isExplicit || directives.isPublic)
    }
}
