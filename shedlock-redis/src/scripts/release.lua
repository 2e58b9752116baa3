-- Ends leases, now or when their shortest time is over.
-- KEYS, for each: the lock
-- ARGV, for each: how its value begins; if it has a shortest time: when it was acquired in us, a
-- blank, and that time in us
-- Answers, for each: 'released', 'gone' or 'other'
return each(1, 2, function(key, argument)
    local lock, shortest = KEYS[key + 1], ARGV[argument + 2]
    local held = redis.call('GET', lock)
    if not held then
        return 'gone'
    end
    if not belongs(held, ARGV[argument + 1]) then
        return 'other'
    end
    if shortest ~= '' then
        local now = clock()
        local acquired, at_least = string.match(shortest, '^(-?%d+) (%d+)$')
        local kept_until = math.min(tonumber(acquired), now) + at_least
        if kept_until > now then
            redis.call('PEXPIREAT', lock, last_before(kept_until, now))
            return 'released'
        end
    end
    redis.call('DEL', lock)
    return 'released'
end)
