local NOT_THERE = -2

-- The last ms of a key, since the Unix epoch: -1 if it has no end, -2 if it is not there.
local function last_ms(key, now)
    local last = redis.pcall('PEXPIRETIME', key)
    if type(last) == 'number' then
        return last
    end
    -- Before Redis 7 it can only be computed, from another reading of the clock.
    local rest = redis.call('PTTL', key)
    return rest < 0 and rest or math.floor(now / 1000) + rest
end
