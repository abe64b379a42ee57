// Tests of when certificate files are read again, and when it is said that they are of no use.

import Testing

@testable import HTTPServer

@Suite struct TLSFileWatchTests {
    private func stamps(_ certificate: Int64, _ key: Int64?) -> TLSFileWatch.Stamps {
        TLSFileWatch.Stamps(certificate: .init(bytes: certificate), key: key.map { .init(bytes: $0) })
    }

    @Test func `files that stay as they are are not read`() {
        let watch = TLSFileWatch(inUse: stamps(1, 1))
        #expect(!watch.wantsRead(stamps(1, 1), isAsked: false))
        #expect(watch.wantsRead(stamps(1, 1), isAsked: true))
        #expect(watch.wantsRead(stamps(2, 1), isAsked: false))
        #expect(watch.wantsRead(stamps(1, nil), isAsked: false))
    }

    @Test func `a pair that is written one after the other is reported by nobody`() {
        var watch = TLSFileWatch(inUse: stamps(1, 1))
        let isTold1 = watch.refuse(stamps(2, 1), isAsked: false)
        #expect(!isTold1)
        let isTold2 = watch.refuse(stamps(2, nil), isAsked: false)
        #expect(!isTold2)
        watch.use(stamps(2, 2))
        #expect(!watch.wantsRead(stamps(2, 2), isAsked: false))
    }

    @Test func `a pair of no use is reported once, at the second look`() {
        var watch = TLSFileWatch(inUse: stamps(1, 1))
        let isTold3 = watch.refuse(stamps(2, 1), isAsked: false)
        #expect(!isTold3)
        #expect(watch.wantsRead(stamps(2, 1), isAsked: false))
        let isTold4 = watch.refuse(stamps(2, 1), isAsked: false)
        #expect(isTold4)
        #expect(!watch.wantsRead(stamps(2, 1), isAsked: false))
        // The old one again is a change as well.
        #expect(watch.wantsRead(stamps(1, 1), isAsked: false))
    }

    @Test func `who asks is told at once, each time`() {
        var watch = TLSFileWatch(inUse: stamps(1, 1))
        let isTold5 = watch.refuse(stamps(2, 1), isAsked: true)
        #expect(isTold5)
        let isTold6 = watch.refuse(stamps(2, 1), isAsked: true)
        #expect(isTold6)
    }
}
