-- Sets the end of a lease that still runs.
-- KEYS: the lock
-- ARGV: how its value begins, how long its value is, lease in us
-- Answers: the lock's last ms, or -2 if it is not ours
local held = redis.call('GET', KEYS[1])
if not held or #held ~= tonumber(ARGV[2]) or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then
    return -2
end
local now = clock()
return free_at(KEYS[1], now + ARGV[3], now)
