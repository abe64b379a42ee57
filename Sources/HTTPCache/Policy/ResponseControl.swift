// Which directives decide about a response: CDN-Cache-Control if it is there and valid, else Cache-Control.

package import HTTP

/// The directives in force for one response (RFC 9213 section 2.2).
package struct ResponseControl: Sendable, Equatable {
    /// The directives; `no-cache` and `private` with field names are the unqualified ones if a listed field cannot be
    /// left out without changing what the response means.
    package private(set) var directives: CacheControl
    /// Whether they come from CDN-Cache-Control: then Cache-Control and Expires are not looked at.
    package let isTargeted: Bool

    /// The directives in force for a response with these fields.
    package init(_ fields: Fields) {
        let targeted = TargetedCacheControl.parse(fields)
        isTargeted = targeted != nil
        directives = targeted ?? CacheControl.parse(fields)
        if !directives.noCacheFields.allSatisfy(ResponseControl.isDispensable) { directives.noCache = true }
        if !directives.privateFields.allSatisfy(ResponseControl.isDispensable) { directives.isPrivate = true }
    }

    /// The fields, in lower case, that must not be stored (RFC 9111 sections 5.2.2.4 and 5.2.2.7; leaving out what
    /// `no-cache` lists is the simple way of never using it without validation).
    package var fieldsNotStored: [[UInt8]] {
        directives.noCacheFields + directives.privateFields
    }

    private static func isDispensable(_ name: [UInt8]) -> Bool {
        switch KnownField(name: name.span) {
        case .other, .setCookie, .server: true
        default: false
        }
    }
}
