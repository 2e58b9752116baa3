-- Sets the end of leases that still run.
-- KEYS, for each: the lock
-- ARGV, for each: how its value begins, lease in us
-- Answers, for each: the lock's last ms, or -2 if it is not ours
local now = clock()
local NOT_OURS = -2

return each(1, 2, function(key, argument)
    local lock = KEYS[key + 1]
    local held = redis.call('GET', lock)
    if not held or not belongs(held, ARGV[argument + 1]) then
        return NOT_OURS
    end
    local last = last_before(now + ARGV[argument + 2], now)
    redis.call('PEXPIREAT', lock, last)
    return last
end)
