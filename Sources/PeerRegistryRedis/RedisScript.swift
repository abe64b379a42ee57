// What Redis does in one step: its scripts, with the keys that they work on.

/// A script in Lua; Redis runs each whole, with nothing in between.
struct RedisScript: Sendable {
    let source: String

    /// Makes changes whose expectation holds.
    ///
    /// An entry is a string: revision, name as its peer writes it, until when it is present, each ended by a line feed,
    /// then the rest, which Redis need not read. KEYS: revision, events, present, due, then one a change. ARGV: how many
    /// events are kept, then eight a change. An event holds the revision of the one before it as `b`, by which a reader
    /// knows that it misses none. What can fail comes before what changes an entry.
    static let apply = RedisScript(
        source: """
            local answers = {}
            local newest = redis.call('GET', KEYS[1]) or '0'
            local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
            last = last[1] and string.match(last[1][1], '^%d+') or '0'
            for i = 1, #KEYS - 4 do
              local key, at = KEYS[4 + i], 8 * i - 6
              local name, expected, kind, text, until_ = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
              local isPresent, due, rest = ARGV[at + 5], ARGV[at + 6], ARGV[at + 7]
              local old = redis.call('GET', key)
              local revision, oldText, oldUntil = '0', nil, nil
              if old then revision, oldText, oldUntil = string.match(old, '^(%d+)\\n([^\\n]*)\\n(%-?%d+)\\n') end
              local isKept = text ~= ''
              if revision ~= expected then
                answers[i] = false
              else
                local isTold = kind ~= '' and (isKept or old)
                if isKept or isTold then newest = string.format('%.0f', redis.call('INCR', KEYS[1])) end
                if isTold then
                  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], newest .. '-0', 'k', kind, 'b', last,
                    'n', isKept and text or oldText, 'u', isKept and until_ or oldUntil)
                  last = newest
                end
                if isKept then
                  redis.call('SET', key, newest .. '\\n' .. text .. '\\n' .. until_ .. '\\n' .. rest)
                  redis.call('ZADD', KEYS[4], due, name)
                else
                  redis.call('DEL', key)
                  redis.call('ZREM', KEYS[4], name)
                end
                if isPresent == '1' then redis.call('ZADD', KEYS[3], 0, name) else redis.call('ZREM', KEYS[3], name) end
                answers[i] = newest
              end
            end
            return answers
            """
    )

    /// Entries in an order: KEYS: an ordered set; ARGV: `ZRANGEBYLEX` or `ZRANGEBYSCORE`, from, to, how many, prefix.
    static let range = RedisScript(
        source: """
            local names = redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])
            local entries = {}
            for i, name in ipairs(names) do entries[i] = redis.call('GET', ARGV[5] .. name) end
            return entries
            """
    )

    /// Events after a revision, with the newest revision and the oldest event's identifier before them.
    ///
    /// KEYS: revision, events; ARGV: after which, how many.
    static let events = RedisScript(
        source: """
            local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
            return {
              redis.call('GET', KEYS[1]) or '0',
              first[1] and first[1][1] or '',
              redis.call('XRANGE', KEYS[2], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
            }
            """
    )
}
