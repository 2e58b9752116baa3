-- Ends leases, now or when their shortest time is over.
-- KEYS, for each: the lock
-- ARGV, for each: how its value begins, how long its value is, when it was acquired in us, its shortest time in us
-- Answers, for each: 'released', 'gone' or 'other'
return each(1, 4, function(key, argument)
    local lock, beginning = KEYS[key + 1], ARGV[argument + 1]
    local held = redis.call('GET', lock)
    if not held then
        return 'gone'
    end
    if #held ~= tonumber(ARGV[argument + 2]) or not begins_with(held, beginning) then
        return 'other'
    end
    local at_least = tonumber(ARGV[argument + 4])
    if at_least > 0 then
        local now = clock()
        local kept_until = math.min(tonumber(ARGV[argument + 3]), now) + at_least
        if kept_until > now then
            redis.call('PEXPIREAT', lock, last_before(kept_until, now))
            return 'released'
        end
    end
    redis.call('DEL', lock)
    return 'released'
end)
