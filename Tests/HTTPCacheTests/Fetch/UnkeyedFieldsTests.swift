// Which request fields are kept from the origin, and which must reach it.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct UnkeyedFieldsTests {
    @Test(arguments: [
        "X-Forwarded-Host", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Proto", "X-Forwarded-Port",
        "X-Forwarded-Prefix", "X-Forwarded-Uri", "x-forwarded", "X-Host", "X-Original-URL", "X-Original-Host",
        "X-Rewrite-URL", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "X-Foo-Override", "Forwarded",
        "X-Real-IP", "X-Client-IP", "True-Client-IP", "Front-End-Https", "X-HTTP-Host-Override",
        "X-HTTP-DestinationURL",
        "Base-Url", "Request-Uri", "X-Scheme", "X-Url-Scheme", "X-Backend-Host", "X-Proxy-Url", "Destination",
        "X-Middleware-Subrequest", "X-Middleware-Prefetch", "X-Now-Route-Matches", "X-Invoke-Path", "Range", "If-Range",
        "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
    ])
    func `what could change the answer unseen does not reach the origin`(name: String) {
        let fields: Fields = [name: "x"]
        #expect(UnkeyedFields.areIn(fields))
    }

    @Test(arguments: [
        "Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Authorization", "User-Agent", "Referer", "Origin",
        "Cache-Control", "Foo", "X-Foo", "X-Ht", "X-Override-Not", "Test-ID", "Sec-Fetch-Mode", "Save-Data", "DPR",
        "RSC",
        "Traceparent", "override", "X-Requested-With",
    ])
    func `what origins name in Vary, or ignore, does`(name: String) {
        let fields: Fields = [name: "x"]
        #expect(!UnkeyedFields.areIn(fields))
    }
}
