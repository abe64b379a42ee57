// Redis URLs: what is read, and what is refused without telling the password.

import PeerRegistryRedis
import Testing

@Suite struct RedisAddressTests {
    @Test(
        arguments: [
            ("redis://h", "h", 6379, nil, nil, 0), ("redis://h:1", "h", 1, nil, nil, 0),
            ("redis://h/", "h", 6379, nil, nil, 0),
            ("redis://h:65535/15", "h", 65_535, nil, nil, 15), ("redis://u:p@h", "h", 6379, "u", "p", 0),
            ("redis://:p%40%3a@h:7/2", "h", 7, nil, "p@:", 2), ("redis://u:a:b@h", "h", 6379, "u", "a:b", 0),
            ("redis://u:a@b@h", "h", 6379, "u", "a@b", 0), ("redis://[::1]:8", "::1", 8, nil, nil, 0),
            ("redis://[2001:db8::1]/3", "2001:db8::1", 6379, nil, nil, 3), ("redis://:@h", "h", 6379, nil, "", 0),
        ] as [(String, String, Int, String?, String?, Int)]
    ) func `its parts are read`(
        _ text: String,
        _ host: String,
        _ port: Int,
        _ user: String?,
        _ password: String?,
        _ database: Int
    ) throws {
        let address = try RedisAddress(text)
        #expect(address.host == host && address.port == port)
        #expect(address.user == user && address.password == password && address.database == database)
        if let password, !password.isEmpty { #expect(!address.description.contains("\(password)@")) }
    }

    @Test(arguments: [
        "", "redis:", "redis://", "redis://:1", "http://h", "rediss://h", "redis://h:0", "redis://h:65536",
        "redis://h:x",
        "redis://h:", "redis://h:+1", "redis://h/x", "redis://h/1/2", "redis://h/-1", "redis://h/123456",
        "redis://h?db=1",
        "redis://h#f", "redis://h h", "redis://S3CRET@h", "redis://u:S3CRET%@h", "redis://u:S3CRET%+1@h",
        "redis://[::1",
        "redis://[::1]x", "redis://u:S3CRET%ff@h", "redis://u:S3CRET@",
    ]) func `what is none is refused`(_ text: String) throws {
        let error = #expect(throws: RedisStoreError.self) { try RedisAddress(text) }
        #expect(error?.code == .badAddress)
        #expect(error?.message.contains("redis://[user:password@]host[:port][/db]") == true)
        #expect(error?.message.contains("S3CRET") == false)
    }

    @Test func `it is described without user and password`() throws {
        #expect(try RedisAddress("redis://me:S3CRET@h:5/6").description == "redis://h:5/6")
        #expect(try RedisAddress("redis://me:S3CRET@[::1]").description == "redis://[::1]:6379")
    }
}
