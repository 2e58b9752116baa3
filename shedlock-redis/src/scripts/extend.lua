-- Sets the end of leases that still run.
-- KEYS, for each: the lock
-- ARGV, for each: how its value begins, how long its value is, lease in us
-- Answers, for each: the lock's last ms, or -2 if it is not ours
local now = clock()

return each(1, 3, function(key, argument)
    local lock, beginning = KEYS[key + 1], ARGV[argument + 1]
    local held = redis.call('GET', lock)
    if not held or #held ~= tonumber(ARGV[argument + 2]) or not begins_with(held, beginning) then
        return -2
    end
    local last = last_before(now + ARGV[argument + 3], now)
    redis.call('PEXPIREAT', lock, last)
    return last
end)
